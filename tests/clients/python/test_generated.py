"""The committed files of the package are what the SDL, the documents and the asynchronous client make of them."""

import importlib.util
import inspect
from types import ModuleType
from typing import Any

import msgspec
import pytest

from purser_client import AsyncPurser, Instant, Purser, UnexpectedAnswer
from purser_client.generated import operations
from purser_client.request import result_of
from tests.clients.python.conftest import order
from tests.documentation import ROOT

SDL = "enum E { A } input In { e: E = A } type T { e: E! } union U = T type Query { t: T u(in: In): U }"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The script clients/python/generate.py."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "clients" / "python" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_generated_file_is_stale_or_left_over(generate: ModuleType) -> None:
    paths = [*generate.PACKAGE.glob("generated/*.py"), *generate.PACKAGE.glob("synchronous/[a-z]*.py")]
    committed = {str(path.relative_to(generate.PACKAGE)): path.read_text() for path in paths}
    assert committed == generate.generated()


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ("query Q { result: t { nothing } }", "Cannot query field"),
        ("query Q { t { ...T } }", "alias"),
        ("query Q { result: t { e } }", "by one spread"),
        ("query Q { result: u { ...T } }", "by __typename"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused(generate: ModuleType, operation: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate.Generator(SDL, "fragment T on T { e }", [operation, "query Other { result: t { ...T } }"]).modules()


def test_a_change_of_the_sdl_changes_the_package(generate: ModuleType) -> None:
    operation = "query Q($in: In) { result: u(in: $in) { __typename ...T } }"
    modules = generate.Generator(SDL, "fragment T on T { e }", [operation]).modules()
    assert "    e: E | None = E.A" in modules["inputs.py"]
    assert 'tag_field="__typename", tag="T"' in modules["objects.py"]
    assert "def q(*, in_: In | None = None) -> Request[T | None]" in modules["operations.py"]
    wider = generate.Generator(SDL.replace("enum E { A }", "enum E { A B }"), "fragment T on T { e }", [operation])
    assert '    B = "B"' in wider.modules()["enums.py"]


def test_both_clients_have_the_same_methods() -> None:
    names = [name for name in dir(AsyncPurser) if not name.startswith("_") and name != "aclose"]
    assert len(names) > 30
    assert names == [name for name in dir(Purser) if not name.startswith("_") and name != "close"]
    for name in names:
        both = [inspect.signature(getattr(kind, name)).parameters for kind in (AsyncPurser, Purser)]
        assert both[0] == both[1], name
        assert not inspect.iscoroutinefunction(getattr(Purser, name)), name


def test_a_value_that_the_schema_does_not_have_is_no_result() -> None:
    body: dict[str, Any] = {"data": {"result": {"state": "PAUSED", "since": None, "actor": None}}}
    with pytest.raises(UnexpectedAnswer):
        result_of(operations.trading_state(), 200, {}, msgspec.json.encode(body))


def test_an_order_is_written_with_exact_amounts_and_without_defaults() -> None:
    body = operations.authorize_order(input=order(tags=["a"])).body()
    assert b'"price":"200"' in body
    assert b'"quantity":"0.5"' in body
    assert b'"tags":["a"]' in body
    assert b"timeInForce" not in body


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("2022-01-01T00:14:00.123456789Z", 1_640_996_040_123_456_789),
        ("2022-01-01T01:14:00.5+01:00", 1_640_996_040_500_000_000),
        ("1969-12-31T23:59:59.999999999z", -1),
        ("2262-04-11T23:47:16.854775807Z", 2**63 - 1),
    ],
)
def test_instants_keep_nanoseconds(text: str, nanoseconds: int) -> None:
    instant = Instant.parse(text)
    assert instant == nanoseconds
    assert Instant.parse(str(instant)) == instant
    assert Instant.of(instant.datetime()) == nanoseconds // 1000 * 1000
    with pytest.raises(ValueError, match="is no instant"):
        Instant.parse(text[:10])
    with pytest.raises(ValueError, match="time zone"):
        Instant.of(instant.datetime().replace(tzinfo=None))
