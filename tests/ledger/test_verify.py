"""`purser verify` finds errors: each invariant is broken on purpose."""

import pytest

from app.database import Database
from tests.ledger.state import broken_invariants, lines_of, record, unprotected

pytestmark = pytest.mark.anyio

_ONE_ORDER = "(SELECT client_order_id FROM orders WHERE status = 'FILLED' ORDER BY ts_init, client_order_id LIMIT 1)"
_ONE_FILL = "(SELECT event_id FROM fills ORDER BY ts_event, event_id LIMIT 1)"

TAMPERING = {
    "a status": (6, f"UPDATE orders SET status = 'CANCELED' WHERE client_order_id = {_ONE_ORDER}"),
    "a filled quantity": (6, f"UPDATE orders SET filled_qty = filled_qty + 1 WHERE client_order_id = {_ONE_ORDER}"),
    "a price": (6, f"UPDATE orders SET price = 1 WHERE client_order_id = {_ONE_ORDER}"),
    "a lost order": (6, f"DELETE FROM orders WHERE client_order_id = {_ONE_ORDER}"),
    "a lost event": (9, f"DELETE FROM order_events WHERE type = 'OrderSubmitted' AND client_order_id = {_ONE_ORDER}"),
    "an event moved to quarantine": (
        6,
        "INSERT INTO quarantined_events SELECT strategy_id, event_id, 0, client_order_id, ts_event, 'X', '' "
        f"FROM order_events WHERE type = 'OrderSubmitted' AND client_order_id = {_ONE_ORDER}",
    ),
    "a position's quantity": (7, "UPDATE positions SET signed_qty = signed_qty + 1 WHERE n = 1"),
    "a position's profit": (7, "UPDATE positions SET realized_pnl = realized_pnl + 0.01 WHERE n = 1"),
    "a position's fees": (7, "UPDATE positions SET total_fees = 0 WHERE n = 1"),
    "a lost position": (7, "DELETE FROM positions WHERE n = 1"),
    "an invented position": (
        7,
        "INSERT INTO positions SELECT (jsonb_populate_record(p, '{\"n\": 999999}')).* "
        "FROM positions p WHERE n = 1 LIMIT 1",
    ),
    "a fill's profit": (7, f"UPDATE fills SET realized_pnl = realized_pnl + 0.00000001 WHERE event_id = {_ONE_FILL}"),
    "a fill's quantity": (7, f"UPDATE fills SET last_qty = last_qty + 1 WHERE event_id = {_ONE_FILL}"),
    "a total of fills": (8, "UPDATE fill_totals SET notional = notional + 0.01"),
    "a sum of fills": (8, "UPDATE fill_sums SET fills = fills + 1"),
    "a count of orders": (8, "UPDATE order_totals SET orders = orders + 1 WHERE status = 'FILLED'"),
    "a count of positions": (8, "UPDATE position_totals SET positions = positions + 1"),
    "a total of trades": (8, "UPDATE trade_totals SET profit = profit + 0.01"),
    "a count of wins": (8, "UPDATE trade_totals SET wins = wins + 1"),
    "a count of signals": (8, "UPDATE signal_totals SET signals = signals + 1"),
    "a lost fill": (9, f"DELETE FROM fills WHERE event_id = {_ONE_FILL}"),
    "a fill without an event": (
        9,
        "INSERT INTO fills SELECT (jsonb_populate_record(f, jsonb_build_object("
        f"'event_id', gen_random_uuid(), 'trade_id', 'x'))).* FROM fills f WHERE event_id = {_ONE_FILL}",
    ),
    "a change missing in the feed": (10, "DELETE FROM changes WHERE entity = 'fill'"),
}


@pytest.mark.parametrize("tampering", TAMPERING)
async def test_verify_finds_tampering(database: Database, tampering: str) -> None:
    await record(database, lines_of("dev_crypto")[:1_500])
    assert await broken_invariants(database) == []
    number, statement = TAMPERING[tampering]
    async with unprotected(database) as work:
        assert not (await work.execute(statement)).endswith(" 0")
        await work.commit()
    broken = await broken_invariants(database)
    assert number in {invariant.number for invariant, _ in broken}
    assert all(finding.row and finding.difference for _, findings in broken for finding in findings)


async def test_verify_finds_nan(database: Database) -> None:
    await record(database, lines_of("dev_crypto")[:500])
    async with unprotected(database) as work:
        await work.execute("ALTER TABLE orders DROP CONSTRAINT orders_avg_px_finite")
        await work.execute("UPDATE orders SET avg_px = 'NaN'")
        await work.commit()
    assert 11 in {invariant.number for invariant, _ in await broken_invariants(database)}
