"""Which texts are UUIDs. Every API uses the same rule to tell an id from a name."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.rules.identity import read_uuid

ID = UUID("5f17147f-2bbd-5c76-af87-1f010d829329")
REST_TYPE = TypeAdapter(UUID)


@pytest.mark.parametrize("text", [str(ID), str(ID).upper(), ID.hex, ID.hex.upper(), ID.urn, f"{{{ID}}}"])
def test_a_uuid_is_read_in_every_usual_form(text: str) -> None:
    assert read_uuid(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", str(ID)[:-1], f"{ID}0", f" {ID}", f"{ID}\n", f"{{{ID}", f"{ID}}}", str(ID).replace("f", "g")),
        *(str(ID).replace("-", "_"), str(ID).replace("-", "", 1), f"5-{ID.hex[1:]}", f"_{ID.hex[1:]}", f"{ID.hex}-"),
        *(ID.hex.replace("5", "\uff15"), ID.hex.replace("1", "\u0661"), f"uuid:{ID}", f"urn:{ID}"),
    ],
)
def test_a_text_that_resembles_a_uuid_is_a_name(text: str) -> None:
    assert read_uuid(text) is None


@given(
    st.one_of(
        st.uuids().map(str), st.uuids().map(lambda one: one.hex), st.text("0123456789abcdefABCDEF-{}_ ", max_size=40)
    )
)
def test_rest_parameters_accept_only_texts_that_are_read_as_uuids(text: str) -> None:
    try:
        parsed = REST_TYPE.validate_python(text)
    except ValidationError:
        return
    assert read_uuid(text) == parsed
