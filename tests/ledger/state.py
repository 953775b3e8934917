"""The content of a ledger that must not depend on the order of arrival."""

import gzip
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.database import Database, WriteConnection
from app.engines import nautilus
from app.ledger.batch import BatchResult, Incoming
from app.ledger.recording.record import record_events
from app.ledger.verify.invariants import Finding, Invariant
from app.ledger.verify.verification import verify

DATA = Path(__file__).parents[1] / "data"
RECORDINGS = ("dev_crypto", "dev_fx")

_HAS_PRICE = "coalesce(o.price, o.trigger_price) IS NOT NULL"
# Omitted: arrival numbers, and when a strategy was first seen.
_CONTENT = {
    "strategies": "SELECT strategy_id, name, trader_id, state, deducts_base_fees FROM strategies",
    "instruments": "SELECT * FROM instruments",
    "orders": "SELECT * FROM orders",
    "order_events": """
        SELECT strategy_id, event_id, variant, type, client_order_id, ts_event, ts_init, payload FROM order_events
    """,
    "quarantined_events": "SELECT * FROM quarantined_events",
    "quarantine_resolutions": """
        SELECT strategy_id, event_id, variant, action, reason, actor FROM quarantine_resolutions
    """,
    "fills": """
        SELECT strategy_id, event_id, trade_id, client_order_id, position_id, position_n, flip_qty, realized_pnl,
               settlement_currency, notional
        FROM fills
    """,
    "positions": """
        SELECT strategy_id, position_id, n, status, entry, side, signed_qty, peak_qty, cost, close_qty, close_value,
               avg_px_open, avg_px_close, realized_pnl, total_fees, ts_opened, ts_closed, first_trade_seq,
               last_trade_seq, currency, fills, reconciliation
        FROM positions
    """,
    "discrepancies": "SELECT strategy_id, event_id, position_id, instrument_id FROM discrepancies",
    "signals": "SELECT * FROM signals",
    # Omitted: amounts that were reserved and freed in between, which depend on the order of arrival; and the
    # value of an order without a price, which is the last known price when it arrived.
    "holds": f"""
        SELECT h.strategy_id, h.client_order_id, h.currency, h.remaining FROM holds h
        JOIN orders o USING (strategy_id, client_order_id) WHERE {_HAS_PRICE} AND h.remaining <> 0
    """,
    "budgets": f"""
        SELECT strategy_id, currency, allocated, reserved_positions, priced FROM (
            SELECT b.*, b.reserved_orders - coalesce((
                SELECT sum(h.remaining) FROM holds h JOIN orders o USING (strategy_id, client_order_id)
                WHERE h.strategy_id = b.strategy_id AND h.currency = b.currency AND NOT {_HAS_PRICE}
            ), 0) AS priced FROM budgets b
        ) tied WHERE allocated IS NOT NULL OR reserved_positions <> 0 OR priced <> 0
    """,
    "fill_totals": "SELECT * FROM fill_totals",
    "fill_sums": "SELECT * FROM fill_sums",
    "order_totals": "SELECT * FROM order_totals WHERE orders <> 0",
    "position_totals": "SELECT * FROM position_totals WHERE positions <> 0",
    "trade_totals": "SELECT * FROM trade_totals WHERE trades <> 0",
    "signal_totals": "SELECT * FROM signal_totals",
}
_REPORTS_AGREE = "the engine's own reports of positions agree with the ledger"
_EVERYTHING = ("changes", "audit_entries", "budget_journal", *_CONTENT)


async def content_of(database: Database) -> dict[str, set[tuple[Any, ...]]]:
    """The rows of each table, as a set."""
    async with database.snapshot() as connection:
        return {table: {tuple(_plain(row)) for row in await connection.fetch(sql)} for table, sql in _CONTENT.items()}


async def holds_of(database: Database) -> dict[str, tuple[Any, ...]]:
    """All columns of each order's hold, by order id. Sums of quotients are rounded to 15 places."""
    async with database.snapshot() as connection:
        rows = await connection.fetch(
            "SELECT client_order_id, currency, unit_price, is_unvalued, round(amount, 15), round(remaining, 15), "
            "round(captured, 15), round(voided, 15) FROM holds"
        )
    return {row[0]: tuple(row) for row in rows}


async def digest_of(database: Database) -> dict[str, str]:
    """A hash of every row of every table, including physical position and writing transaction."""
    async with database.snapshot() as connection:
        return {
            table: await connection.fetchval(
                "SELECT count(*) || ' ' || coalesce(md5(string_agg("
                f"ctid::text || xmin::text || t::text, '' ORDER BY ctid)), '') FROM {table} t"
            )
            for table in (*_EVERYTHING, "trading_control")
        }


@asynccontextmanager
async def unprotected(database: Database) -> AsyncIterator[WriteConnection]:
    """A unit of work as superuser, without the triggers that protect append-only tables."""
    async with database.unit_of_work() as work:
        await work.execute("SET LOCAL ROLE NONE")
        await work.execute("SET LOCAL session_replication_role = replica")
        yield work


async def wipe(database: Database) -> None:
    """Empties every table."""
    async with unprotected(database) as work:
        await work.execute(f"TRUNCATE {', '.join(_EVERYTHING)}")
        await work.commit()


def lines_of(recording: str) -> list[bytes]:
    """The lines of a recording."""
    return gzip.decompress((DATA / f"{recording}.events.jsonl.gz").read_bytes()).splitlines()


def incoming(lines: Iterable[bytes]) -> list[Incoming]:
    """The lines in the form that the ledger records."""
    messages = (nautilus.read_message(line) for line in lines)
    return [Incoming(n, *one) for n, one in enumerate(messages, start=1) if isinstance(one, tuple)]


async def record(database: Database, lines: list[bytes], batch: int = 5_000) -> BatchResult:
    """Records lines in batches. Returns the sum of the results."""
    total = BatchResult()
    events = incoming(lines)
    for start in range(0, len(events), batch):
        recorded = await record_events(database, events[start : start + batch])
        total.accepted += recorded.accepted
        total.duplicates += recorded.duplicates
        total.quarantined += recorded.quarantined
    return total


async def broken_invariants(database: Database) -> list[tuple[Invariant, list[Finding]]]:
    """The findings of `purser verify`."""
    broken: list[tuple[Invariant, list[Finding]]] = []

    def note(invariant: Invariant, findings: list[Finding]) -> None:
        if findings:
            broken.append((invariant, findings))

    await verify(database, note)
    return broken


async def broken_but_for_reports(database: Database) -> list[tuple[Invariant, list[Finding]]]:
    """The findings without those on position reports: in a part of a recording, reports refer to missing fills."""
    return [broken for broken in await broken_invariants(database) if broken[0].claim != _REPORTS_AGREE]


def _plain(row: Iterable[Any]) -> Iterable[Any]:
    return (tuple(value) if isinstance(value, list) else value for value in row)
