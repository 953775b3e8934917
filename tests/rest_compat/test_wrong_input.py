"""Invalid input returns a typed error, never a 500."""

import pytest
from fastapi import FastAPI

from app.resolvers import Context
from tests.reads.rows import EMA
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

PAGED = [
    "/api/trading/strategies",
    "/api/trading/orders",
    "/api/trading/orders/O-13/fills",
    "/api/trading/fills",
    "/api/trading/positions",
    "/api/trading/audit",
]
OTHERS = [
    "/health",
    "/api/trading/summary",
    "/api/trading/fills/summary",
    "/api/trading/orders/O-13",
    "/api/trading/orders/O-13/deny-reason",
    f"/api/budget/{EMA}/pnl/realized",
]
NUMBERS = [
    *("x", "1.5", "1.", ".0", "1.0e1", "%20", "1e3", "0x10", " 1", "+1", "1_0", "１", "1.０", "NaN", "-1", "null"),
    *("9" * 19, "9" * 5000, "9" * 5000 + ".0"),
]


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("value", NUMBERS)
async def test_limit_and_offset_are_small_decimal_integers(client: Client, path: str, value: str) -> None:
    for name in ("limit", "offset"):
        body = await client.refused(f"{path}?{name}={value.replace('+', '%2B')}", 422)
        assert body["code"] == "BAD_INPUT"
        assert body["detail"].startswith(f"{name}: Input should be")


@pytest.mark.parametrize("path", PAGED)
async def test_limit_and_offset_have_bounds(client: Client, path: str) -> None:
    for invalid in ("limit=0", "limit=1001", "offset=-1", "offset=1000000001", f"offset={2**63}"):
        await client.refused(f"{path}?{invalid}", 422)
    for valid in ("limit=1", "limit=1000", "offset=1000000000"):
        assert (await client.get(f"{path}?{valid}")).status_code == 200


@pytest.mark.parametrize("path", PAGED + OTHERS)
async def test_unknown_and_repeated_parameters_are_refused_by_name(client: Client, path: str) -> None:
    assert "Unknown parameters: colour" in (await client.refused(f"{path}?colour=red", 422))["detail"]
    assert "more than once: colour" in (await client.refused(f"{path}?colour=red&colour=red", 422))["detail"]


@pytest.mark.parametrize("path", PAGED + OTHERS)
async def test_query_strings_that_are_not_utf8_are_refused(client: Client, path: str) -> None:
    await client.refused(f"{path}?strategy_name=%ff", 422)
    await client.refused(f"{path}?%c0%80=1", 422)


async def test_too_many_parameters_are_refused(client: Client) -> None:
    many = "&".join(f"p{number}=1" for number in range(1000))
    assert "more than 100" in (await client.refused(f"/api/trading/orders?{many}", 422))["detail"]


@pytest.mark.parametrize("text", ["%00", "a%00b", "x" * 513, "%ed%a0%80"])
@pytest.mark.parametrize("name", ["strategy_name", "instrument_id"])
async def test_texts_that_cannot_be_stored_are_refused(client: Client, name: str, text: str) -> None:
    for path in ("/api/trading/orders", "/api/trading/fills"):
        await client.refused(f"{path}?{name}={text}", 422)


@pytest.mark.parametrize("value", ["%20", "x", "0" * 31, "%00", "5f17147f-2bbd-5c76-af87-1f010d82932g"])
async def test_a_malformed_uuid_is_refused(client: Client, value: str) -> None:
    for path in ("orders", "fills", "fills/summary", "orders/O-13", "orders/O-13/fills", "orders/O-13/deny-reason"):
        body = await client.refused(f"/api/trading/{path}?strategy_id={value}", 422)
        assert body["detail"].startswith("strategy_id: ")
    await client.refused(f"/api/budget/{value}/pnl/realized", 422)


@pytest.mark.parametrize(
    ("path", "choices"),
    [
        ("/api/trading/orders?status=OPEN", ["PENDING_CANCEL", "PARTIALLY_FILLED", "PENDING"]),
        ("/api/trading/orders?status=%20", ["INITIALIZED"]),
        ("/api/trading/orders?status=FILLED+", ["FILLED"]),
        ("/api/trading/fills?side=UP", ["BUY", "SELL"]),
        ("/api/trading/positions?status=both", ["OPEN", "CLOSED"]),
    ],
)
async def test_an_invalid_choice_is_refused_with_the_valid_ones(client: Client, path: str, choices: list[str]) -> None:
    detail = (await client.refused(path, 422))["detail"]
    assert [choice for choice in choices if choice not in detail] == []


@pytest.mark.parametrize(
    "path",
    ["/nope", "/api", "/api/trading", "/api/trading/", "/nope/", "/api/trading/orders/O-13/nope/", "/%ff", "/%00"],
)
async def test_an_unknown_path_is_not_found(client: Client, path: str) -> None:
    assert (await client.refused(path, 404))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("path", PAGED + OTHERS)
async def test_head_responds_like_get(client: Client, path: str) -> None:
    head, got = await client.http.head(path), await client.http.get(path)
    assert (head.status_code, head.headers) == (got.status_code, got.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
async def test_other_methods_are_refused(client: Client, method: str) -> None:
    response = await client.http.request(method, "/api/trading/orders")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    assert response.json()["code"] == "METHOD_NOT_ALLOWED"


async def test_an_unreachable_database_is_a_503(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    await app.state.context.database.close()
    for path in ("/api/trading/orders", "/api/trading/summary", "/api/trading/fills/summary"):
        response = await client.get(path)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert response.json()["code"] == "NOT_READY"
    assert await client.code("{ summary { orders } }") == "BUSY"


async def test_an_internal_error_is_masked_and_logged(
    own: tuple[FastAPI, Client], caplog: pytest.LogCaptureFixture
) -> None:
    app, client = own
    app.state.context = Context("not a database")  # type: ignore[arg-type]
    body = await client.refused("/api/trading/orders", 500)
    assert body["code"] == "INTERNAL"
    assert "not a database" not in str(body)
    answer = await client.graphql("{ summary { orders } }")
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["errorId"] in caplog.text
    assert "attribute" in caplog.text
