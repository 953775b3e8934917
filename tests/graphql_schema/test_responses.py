"""Responses: JSON that is finished already is sent as it is, what is told beside it spliced in."""

import json

import pytest
from graphql import ExecutionResult

from graphql_schema.http.media_types import MediaType
from graphql_schema.http.responses import answered

DATA = {"summary": {"orders": 31}}


@pytest.mark.parametrize("extensions", [{}, {"cost": {"requested": 1, "max": 2}}])
@pytest.mark.parametrize("media_type", MediaType)
def test_encoded_json_has_the_response_of_a_result(
    media_type: MediaType, extensions: dict[str, dict[str, int]]
) -> None:
    encoded = json.dumps(DATA, separators=(",", ":")).encode()
    reply = answered(encoded, extensions, media_type)
    assert reply == answered(ExecutionResult(DATA, None), extensions, media_type)
    assert (reply.status, reply.is_whole) == (200, True)
