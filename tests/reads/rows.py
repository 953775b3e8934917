"""A sample ledger, inserted row by row, for tests of reads. Totals are computed from the rows."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import SQLModel

from app.database import Database, WriteConnection
from app.models.administration import AuditEntry, Budget, BudgetJournalEntry, Strategy
from app.models.instruments import Signal
from app.models.orders import Fill, Hold, Order, Position
from app.rules.enums import AuthorizationStatus, OrderStatus
from app.rules.identity import strategy_id_of

START = 1_640_995_200_000_000_000
"""2022-01-01T00:00:00Z"""
SECOND = 1_000_000_000
TRADER = "TRADER-001"

EMA = strategy_id_of(TRADER, "EMACross-000")
MAKER = strategy_id_of(TRADER, "100%_Maker-001")
UNKNOWN = UUID("00000000-0000-4000-8000-000000000000")

BTC = "BTCUSDT-PERP.BINANCE"
ETH = "ETHUSDT-PERP.BINANCE"

LONG_AMOUNT = Decimal("123456789012345678901234567890.123456789012345678901234567890")
STRANGE_IDS = ("a/b", "a/b/fills", "50%", "%2F", "née ☂", "..", "?x=1#y", " ", "fills", "x" * 300)

_TOTALS = (
    "INSERT INTO order_totals SELECT strategy_id, instrument_id, status, count(*) FROM orders GROUP BY 1, 2, 3",
    "INSERT INTO position_totals SELECT strategy_id, instrument_id, status, count(*) FROM positions GROUP BY 1, 2, 3",
    "INSERT INTO signal_totals SELECT strategy_id, name, count(*) FROM signals GROUP BY 1, 2",
    """
    INSERT INTO fill_totals (strategy_id, day, instrument_id, currency, side, fills, quantity, notional,
        realized_pnl, total_fees, first_ts, last_ts)
    SELECT strategy_id, to_timestamp(ts_event / 1000000000)::date, instrument_id, currency, side, sum(fills),
        sum(quantity), sum(notional), sum(pnl), sum(fee), min(ts_event), max(ts_event)
    FROM (
        SELECT strategy_id, ts_event, instrument_id, settlement_currency AS currency, side, 1 AS fills,
            last_qty AS quantity, notional, realized_pnl AS pnl, 0 AS fee FROM fills
        UNION ALL
        SELECT strategy_id, ts_event, instrument_id, commission_currency, side, 0, 0, 0, 0, commission FROM fills
    ) parts GROUP BY 1, 2, 3, 4, 5
    """,
    """
    INSERT INTO trade_totals SELECT strategy_id, to_timestamp(ts_closed / 1000000000)::date, currency, count(*),
        count(*) FILTER (WHERE net > 0), count(*) FILTER (WHERE net < 0), sum(greatest(net, 0)), sum(greatest(-net, 0))
    FROM (SELECT *, realized_pnl - total_fees AS net FROM positions WHERE status = 'CLOSED') closed GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO fill_sums (strategy_id, instrument_id, currency, side, fills, quantity, notional,
        realized_pnl, total_fees, first_ts, last_ts)
    SELECT strategy_id, instrument_id, currency, side, sum(fills), sum(quantity), sum(notional),
        sum(realized_pnl), sum(total_fees), min(first_ts), max(last_ts)
    FROM fill_totals GROUP BY 1, 2, 3, 4
    """,
)


def order(client_order_id: str, number: int, **changes: Any) -> Order:
    """An order of the EMACross strategy, `number` seconds after the start."""
    values: dict[str, Any] = {
        "strategy_id": EMA,
        "client_order_id": client_order_id,
        "trader_id": TRADER,
        "account_id": "BINANCE-001",
        "instrument_id": BTC,
        "side": "BUY",
        "order_type": "LIMIT",
        "time_in_force": "GTC",
        "status": "ACCEPTED",
        "quantity": Decimal("0.600"),
        "price": Decimal("46209.0"),
        "reduce_only": False,
        "post_only": True,
        "tags": [],
        "ts_init": START + number * SECOND,
        "ts_last": START + number * SECOND + 7,
        "last_ts_init": START + number * SECOND + 7,
        "last_rank": 0,
    }
    return Order(**{**values, **changes})


def fill(client_order_id: str, number: int, **changes: Any) -> Fill:
    """A fill of the EMACross strategy, `number` seconds after the start."""
    values: dict[str, Any] = {
        "strategy_id": EMA,
        "event_id": UUID(int=number),
        "trade_id": f"T-{number}",
        "client_order_id": client_order_id,
        "venue_order_id": "V-1",
        "account_id": "BINANCE-001",
        "instrument_id": BTC,
        "position_id": "P-1",
        "position_n": 1,
        "flip_qty": Decimal(0),
        "side": "BUY",
        "last_qty": Decimal("0.100"),
        "last_px": Decimal("46209.0"),
        "currency": "USDT",
        "commission": Decimal("0.92418000"),
        "commission_currency": "USDT",
        "liquidity_side": "MAKER",
        "realized_pnl": Decimal("0.00"),
        "ts_event": START + number * SECOND,
        "ts_init": START + number * SECOND,
        "trade_seq": number,
        "seq": number,
    }
    given = {**values, **changes}
    worth = {"settlement_currency": given["currency"], "notional": given["last_qty"] * given["last_px"]}
    return Fill(**{**worth, **given})


def position(position_id: str, number: int, **changes: Any) -> Position:
    """An open long position, opened `number` seconds after the start."""
    opened = START + number * SECOND
    values: dict[str, Any] = {
        "strategy_id": EMA,
        "position_id": position_id,
        "n": 1,
        "account_id": "BINANCE-001",
        "instrument_id": BTC,
        "status": "OPEN",
        "entry": "BUY",
        "side": "LONG",
        "signed_qty": Decimal("0.200"),
        "peak_qty": Decimal("0.600"),
        "cost": Decimal("9241.80"),
        "close_qty": Decimal(0),
        "close_value": Decimal(0),
        "avg_px_open": Decimal("46209.0"),
        "currency": "USDT",
        "realized_pnl": Decimal("-1.50"),
        "total_fees": Decimal("1.84836000"),
        "ts_opened": opened,
        **{f"{place}_{name}": 0 for place in ("first", "last") for name in ("ts_init", "trade_seq", "seq")},
        "last_ts_event": opened,
    }
    return Position(**{**values, **changes})


def budget(strategy_id: UUID, currency: str, number: int, **changes: Any) -> Budget:
    """A budget of 1000, set `number` seconds after the start."""
    instants = {"created_at": START + number * SECOND, "updated_at": START + number * SECOND + 7}
    values = {"strategy_id": strategy_id, "currency": currency, "allocated": Decimal("1000.0"), "version": 1}
    return Budget(**{**values, **instants, **changes})


def journal(of: Budget) -> Iterable[BudgetJournalEntry]:
    """A journal entry for each version; each sets the allocated amount of the budget."""
    for version in range(1, of.version + 1):
        amounts = {"allocated_before": Decimal(version > 1) * 1000, "allocated_after": Decimal("1000.0")}
        reserved = {"reserved_before": Decimal(0), "reserved_after": Decimal("0.50")}
        key = {"strategy_id": of.strategy_id, "currency": of.currency, "version": version}
        order_id = "O-05" if version % 2 else None
        yield BudgetJournalEntry(**key, ts=START, reason="SET", client_order_id=order_id, **amounts, **reserved)


def hold(client_order_id: str, **changes: Any) -> Hold:
    """The hold of an order of the EMACross strategy: 100.50, of which half is captured."""
    amounts = {"amount": Decimal("100.50")}
    halves = {name: Decimal("50.25") for name in ("remaining", "captured")}
    values = {"strategy_id": EMA, "client_order_id": client_order_id, "currency": "USDT", "unit_price": Decimal("2.5")}
    return Hold(**{**values, **amounts, **halves, **changes})


def ledger() -> Iterable[SQLModel]:
    """Rows of every kind, with difficult values: ties, unusual ids, shared ids, many digits."""
    yield Strategy(strategy_id=EMA, name="EMACross-000", trader_id=TRADER, created_at=START)
    yield Strategy(strategy_id=MAKER, name="100%_Maker-001", trader_id=TRADER, state="HALTED", created_at=START + 1)
    for number, status in enumerate(OrderStatus):
        reason = "BUDGET_EXCEEDED" if status in ("DENIED", "REJECTED") else None
        yield order(f"O-{number:02}", number, status=status, deny_reason=reason, side=("BUY", "SELL")[number % 2])
    yield order("DIGITS", 20, quantity=Decimal("0.1000"), price=Decimal("1E+3"), avg_px=LONG_AMOUNT, tags=['"', "ü"])
    yield order("OVERFILLED", 21, quantity=Decimal("1"), filled_qty=Decimal("1.5"), status="FILLED", overfilled=True)
    # Three orders of the same instant: only their ids order them.
    for name in ("TIE-a", "TIE-b", "TIE-c"):
        yield order(name, 30, instrument_id=ETH, strategy_id=MAKER)
    for strategy_id, authorized in ((EMA, AuthorizationStatus.GRANTED), (MAKER, AuthorizationStatus.OVERRULED)):
        yield order("SHARED", 31, strategy_id=strategy_id, authorization_status=authorized)
    for number, client_order_id in enumerate(STRANGE_IDS):
        yield order(client_order_id, 40 + number, strategy_id=MAKER, price=None)
    for number in range(1, 6):
        yield fill("O-13", number, side="BUY" if number % 2 else "SELL", last_px=Decimal(f"{46209 + number}.50"))
    yield fill("a/b", 6, strategy_id=MAKER, instrument_id=ETH, currency="USDC", last_qty=LONG_AMOUNT)
    yield fill("O-12", 7, position_n=2, flip_qty=Decimal("0.05"), realized_pnl=Decimal("42.50"))
    flip = START + 7 * SECOND
    yield position("P-1", 1, signed_qty=Decimal("-0.200"), side="SHORT", entry="SELL", n=3, last_ts_event=flip)
    yield position(
        "P-1",
        0,
        status="CLOSED",
        side="FLAT",
        signed_qty=Decimal(0),
        ts_closed=START + 5 * SECOND + 3,
        n=2,
        last_ts_event=flip,
    )
    yield position("P-2", 2, strategy_id=MAKER, instrument_id=ETH)
    # The oldest is not the first by its key; the last budget was deleted.
    usdt = budget(EMA, "USDT", 9, version=5, reserved_orders=Decimal("200.25"), reserved_positions=Decimal("1.750"))
    over = budget(MAKER, "USDC", 5, allocated=Decimal("0"), reserved_orders=Decimal("0.10"), over_reason="CUT")
    gone = budget(EMA, "BTC", 1, allocated=None, created_at=None, reserved_orders=Decimal("3"), version=2)
    for one in (usdt, over, gone):
        yield one
        yield from journal(one)
    yield hold("O-05")
    yield hold("O-06", currency=None, **dict.fromkeys(("amount", "remaining", "captured"), Decimal(0)))
    yield Signal(strategy_id=EMA, signal_id=UUID(int=1), name="cross", value=1, ts_event=START, ts_init=START)
    for number, strategy_id in enumerate((None, EMA)):
        yield AuditEntry(
            id=number + 1,
            **{"ts": START, "actor": "operator", "action": "SET_BUDGET", "entity_type": "budget", "entity_id": "x"},
            strategy_id=strategy_id,
            before=None if number == 0 else {"allocated": "1.0"},
            after={"allocated": "2.0"},
            hash=str(number),
        )


async def insert(database: Database, rows: Iterable[SQLModel]) -> None:
    """Inserts rows and recomputes all totals."""
    async with database.unit_of_work() as work:
        await store(work, rows)
        for table in ("order_totals", "position_totals", "signal_totals", "fill_totals", "fill_sums", "trade_totals"):
            await work.execute(f"DELETE FROM {table}")
        for statement in _TOTALS:
            await work.execute(statement)
        await work.commit()


async def store(work: WriteConnection, rows: Iterable[SQLModel]) -> None:
    """Inserts rows without changing the totals."""
    for row in rows:
        values = row.model_dump()
        for name in ("before", "after", "value", "payload"):
            if values.get(name) is not None:
                values[name] = orjson.dumps(values[name]).decode()
        slots = ", ".join(f"${index + 1}" for index in range(len(values)))
        await work.execute(f"INSERT INTO {row.__tablename__} ({', '.join(values)}) VALUES ({slots})", *values.values())
