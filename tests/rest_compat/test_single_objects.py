"""Responses with a single object."""

import pytest
from fastapi import FastAPI

from tests.reads.rows import EMA, ETH, MAKER, UNKNOWN
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

ORDERS = "/api/trading/orders"


async def test_health_does_not_need_the_database(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    await app.state.context.database.close()
    response = await client.get("/health")
    assert (response.status_code, response.content) == (200, b'{"status":"ok"}')


async def test_an_order_shows_its_digits_as_stored(client: Client) -> None:
    body = (await client.get(f"{ORDERS}/DIGITS")).content
    assert b'"quantity":0.1000,"filled_qty":0,"leaves_qty":0.1000,"price":1000,' in body
    assert b'"avg_px":123456789012345678901234567890.123456789012345678901234567890,' in body
    assert '"tags":["\\"","ü"]'.encode() in body


async def test_an_overfilled_order_has_nothing_left(client: Client) -> None:
    assert b'"filled_qty":1.5,"leaves_qty":0,' in (await client.get(f"{ORDERS}/OVERFILLED")).content


@pytest.mark.parametrize("suffix", ["", "/fills", "/deny-reason"])
async def test_an_order_id_of_two_strategies_requires_the_strategy(client: Client, suffix: str) -> None:
    body = await client.refused(f"{ORDERS}/SHARED{suffix}", 409)
    assert body["code"] == "ORDER_AMBIGUOUS"
    assert str(EMA) in body["detail"]
    assert str(MAKER) in body["detail"]
    for strategy_id in (EMA, MAKER):
        assert (await client.get(f"{ORDERS}/SHARED{suffix}?strategy_id={strategy_id}")).status_code == 200


async def test_the_strategy_selects_one_of_two_orders(client: Client) -> None:
    found = (await client.get(f"{ORDERS}/SHARED?strategy_id={MAKER}")).json()
    assert (found["strategy_id"], found["strategy_name"]) == (str(MAKER), "100%_Maker-001")


@pytest.mark.parametrize("suffix", ["", "/fills", "/deny-reason"])
async def test_an_unknown_order_is_not_found(client: Client, suffix: str) -> None:
    for path in (f"{ORDERS}/NOPE{suffix}", f"{ORDERS}/O-00{suffix}?strategy_id={UNKNOWN}", f"{ORDERS}/%00{suffix}"):
        assert (await client.refused(path, 404))["code"] == "ORDER_NOT_FOUND"


async def test_deny_reason_is_null_unless_denied_or_rejected(client: Client) -> None:
    reasons = {}
    for number in range(14):
        found = (await client.get(f"{ORDERS}/O-{number:02}/deny-reason")).json()
        assert list(found) == ["client_order_id", "status", "deny_reason"]
        reasons[found["status"]] = found["deny_reason"]
    assert {status for status, reason in reasons.items() if reason} == {"DENIED", "REJECTED"}
    assert reasons["DENIED"] == "BUDGET_EXCEEDED"


async def test_the_summary_counts_rows(client: Client) -> None:
    assert (await client.get("/api/trading/summary")).content == b'{"signals":1,"orders":31,"fills":7}'


async def test_the_fills_summary_is_exact(client: Client) -> None:
    body = (await client.get(f"/api/trading/fills/summary?strategy_id={EMA}")).content
    # Notional: 0.100 x (46210.50 + ... + 46214.50) and 0.100 x 46209.0
    assert body == (
        b'{"total_fills":6,"buy_fills":4,"sell_fills":2,"first_ts":"2022-01-01T00:00:01.000000000Z",'
        b'"last_ts":"2022-01-01T00:00:07.000000000Z","by_currency":[{"currency":"USDT","fills":6,'
        b'"notional":27727.15000,"realized_pnl":42.50,"total_fees":5.54508000}],'
        b'"by_instrument":[{"instrument_id":"BTCUSDT-PERP.BINANCE","fills":6,"buy_qty":0.400,"sell_qty":0.200,'
        b'"notional":27727.15000}]}'
    )


async def test_the_fills_summary_is_filtered_by_instrument(client: Client) -> None:
    found = (await client.get(f"/api/trading/fills/summary?instrument_id={ETH}")).json()
    # The fill is in USDC and its commission in USDT; the ledger keeps each under its own currency.
    assert [(one["currency"], one["fills"], one["total_fees"]) for one in found["by_currency"]] == [
        ("USDC", 1, 0),
        ("USDT", 0, 0.92418),
    ]


async def test_the_fills_summary_without_fills_is_empty(client: Client) -> None:
    found = (await client.get(f"/api/trading/fills/summary?strategy_id={UNKNOWN}")).json()
    assert (found["total_fills"], found["first_ts"], found["by_currency"]) == (0, None, [])


async def test_realized_pnl_is_grouped_by_currency(client: Client) -> None:
    body = (await client.get(f"/api/budget/{EMA}/pnl/realized")).content
    assert body == b'{"strategy_id":"%s","realized_pnl":{ "USDT" : 42.50 },"total_fees":{ "USDT" : 5.54508000 }}' % (
        str(EMA).encode()
    )


async def test_realized_pnl_of_an_unknown_strategy_is_not_found(client: Client) -> None:
    assert (await client.refused(f"/api/budget/{UNKNOWN}/pnl/realized", 404))["code"] == "STRATEGY_NOT_FOUND"
