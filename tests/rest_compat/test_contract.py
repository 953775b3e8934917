"""Schemathesis checks a running server against its OpenAPI document."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from app.database import Database
from app.database.embedded import EmbeddedServer
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from tests.graphql_schema.service import running
from tests.reads.serving import database_with_ledger
from tests.rest_compat.test_documentation import PATHS, WRITES

TRANSPORT_HEADERS = {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}
"""Headers of HTTP itself: invalid values are refused before the path is considered."""


@pytest.fixture(scope="module")
def database_url(server: EmbeddedServer, template: str) -> Iterator[str]:
    """The URL of a database for these tests only, because they create a key."""
    with database_with_ledger(server, template) as url:
        yield url


@pytest.fixture(scope="module")
def key(database_url: str) -> str:
    """A key with all permissions."""
    return asyncio.run(_make_key(database_url))


@pytest.fixture(scope="module")
def service(database_url: str, key: str) -> Iterator[str]:
    """The URL of a server in its own thread that accepts the key."""
    # Schemathesis also sends wrong keys, and does not expect to be throttled.
    with running(database_url, wrong_keys_max=1_000_000) as address:
        yield address


@pytest.fixture(scope="module")
def description(service: str) -> dict[str, Any]:
    """The OpenAPI document of the service."""
    return httpx.get(f"{service}/openapi.json").json()  # type: ignore[no-any-return]


async def _make_key(url: str) -> str:
    database = await Database.open(url)
    try:
        return str(await keys.create_key(Context(database), LOCAL, Role.ADMIN))
    finally:
        await database.close()


@pytest.mark.parametrize("examples", [15, pytest.param(300, marks=pytest.mark.long)])
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("method", "path"), sorted([*(("get", path) for path in PATHS), *WRITES]))
def test_responses_match_the_openapi_document(
    service: str, description: dict[str, Any], key: str, method: str, path: str, mode: GenerationMode, examples: int
) -> None:
    operation = schemathesis.openapi.from_dict(description)[path][method]

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        headers = {"X-API-Key": key, "Authorization": f"Bearer {key}"}
        case.headers = {name: value for name, value in case.headers.items() if name.lower() not in TRANSPORT_HEADERS}
        response = case.call(base_url=service, headers=headers)
        # Only descriptions state which amounts and currencies are valid: their number of digits, their
        # characters.
        excluded = [] if method == "get" else [positive_data_acceptance]
        if not operation.path_parameters and is_as_documented(str(response.request.url), operation):
            excluded.append(negative_data_rejection)
        case.validate_response(response, excluded_checks=excluded)

    if mode is GenerationMode.NEGATIVE and not operation.query and not operation.path_parameters:
        pytest.skip("this operation has no invalid input")
    ask()


def is_as_documented(url: str, operation: Any) -> bool:
    """Whether the query string is valid as sent: an invalid list may disappear when it is serialized."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    given = dict(pairs)
    schemas = {one.definition["name"]: one.definition["schema"] for one in operation.query}
    return (
        len(given) == len(pairs)
        and given.keys() <= schemas.keys()
        and all(not value or _fits(value, schemas[name]) for name, value in given.items())
    )


def _fits(value: str, schema: dict[str, Any]) -> bool:
    read = int(value) if schema.get("type") == "integer" and value.isascii() and value.isdigit() else value
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).is_valid(read)


def test_headers_are_sent_over_a_real_connection(service: str, key: str) -> None:
    headers = {"X-API-Key": key}
    response = httpx.get(f"{service}/api/trading/orders?limit=1", headers=headers)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.content))
    assert response.headers["x-total-count"] == "31"
    head = httpx.head(f"{service}/api/trading/orders?limit=1", headers=headers)
    assert (head.content, head.headers["content-length"]) == (b"", response.headers["content-length"])


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /api/trading/orders/\xff HTTP/1.1",
        b"GET /api/trading/orders?status=\xff HTTP/1.1",
        b"GET /api/trading/orders/%zz HTTP/1.1",
        b"GET /api/trading/orders/" + b"x" * 30_000 + b" HTTP/1.1",
        b"GET http://elsewhere/api/trading/orders/a%2Fb HTTP/1.1",
        b"GET //api//trading HTTP/1.1",
        b"BREW /health HTTP/1.1",
    ],
)
def test_malformed_request_lines_are_not_a_server_error(service: str, request_line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(service.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(request_line + b"\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = connection.makefile("rb").readline()
    assert answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4")), answer
