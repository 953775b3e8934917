"""Random rows for the comparison of two servers: ties, nulls, odd texts, many digits, fees in other currencies."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from app.models.administration import AuditEntry, Strategy
from app.models.instruments import Discrepancy, Instrument, Signal
from app.models.orders import Fill, Hold, Order, OrderEvent, Position, QuarantinedEvent, QuarantineResolution
from app.rules.enums import (
    TRADED_SIDES,
    AuthorizationStatus,
    DiscrepancyKind,
    OrderSide,
    OrderStatus,
    OrderType,
    QuantitySource,
    Reconciliation,
    TimeInForce,
)
from app.rules.identity import NO_STRATEGY
from tests.reads.rows import START, budget, fill, hold, journal, order, position

HOUR = 3_600_000_000_000
NAMES = ("EMA-000", "ema-001", "100%_Maker", 'né"e')
INSTRUMENTS = ("BTCUSDT.BINANCE", "ETHUSDT.BINANCE", "btc_%.X")
CURRENCIES = ("USDT", "USD")
QUANTITIES = tuple(map(Decimal, ("0.100", "0.1", "1", "2.50", "123456789012345678901234567890.123456789")))
PNLS = tuple(map(Decimal, ("0.00", "-1.50", "42.250000", "0.000000000000000001", "-7")))

GLOBAL_STATE: dict[str, Any] = {"state": "REDUCING", "since": START + 7, "actor": "key:ops"}
"""The global trading state: stricter than the own state of some strategies, less strict than that of others."""

Rows = dict[type[SQLModel], list[Any]]


def random_rows(seed: int) -> Rows:
    """Random rows of every table, by table."""
    random = Random(seed)
    rows: Rows = {}
    rest = Random(seed)
    for row in _all_rows(random):
        _vary_optional_texts(rest, row)
        rows.setdefault(type(row), []).append(row)
    return rows


def _vary_optional_texts(random: Random, row: SQLModel) -> None:
    """Varies optional texts that are not named below, so that a new column is compared, too."""
    table = type(row).__table__  # type: ignore[attr-defined]
    enumerated = {constraint.name for constraint in table.constraints}
    for column in table.columns:
        if column.name in row.model_fields_set or f"{table.name}_{column.name}_known" in enumerated:
            continue
        if column.nullable and isinstance(column.type, AutoString):
            setattr(row, column.name, random.choice((None, "X", 'é "')))


def _all_rows(random: Random) -> Iterator[SQLModel]:
    ids = [UUID(int=random.getrandbits(128)) for _ in NAMES]
    for strategy_id, name in zip(ids, NAMES, strict=True):
        state = random.choice(("ACTIVE", "REDUCING", "HALTED"))
        trader = random.choice(("T-1", "T-2"))
        created = START + random.randrange(3)
        yield Strategy(strategy_id=strategy_id, name=name, trader_id=trader, state=state, created_at=created)
    signals = [_signal(random, number, random.choice([*ids[:2], NO_STRATEGY])) for number in (1, 2, 3, 4, 5)]
    signals += [_signal(random, 1, owner) for owner in (ids[3], NO_STRATEGY) if signals[0].strategy_id != owner]
    yield from signals
    orders = [_order(random, number, random.choice(ids[:3])) for number in range(40)]
    yield from orders
    fills = [_fill(random, number, random.choice(orders[:25])) for number in range(1, 71)]
    yield from fills
    yield from _positions(random, fills)
    yield from _events(random, orders)
    yield from _budgets(random, ids)
    yield from _holds(random, orders)
    yield from _instruments()
    yield from _discrepancies(random, fills)
    for number in range(1, 6):
        yield AuditEntry(
            id=number,
            **{"ts": START + random.randrange(3), "actor": random.choice(("me", "you")), "action": "SET"},
            **{"entity_type": "budget", "entity_id": str(number), "hash": f"#{number}"},
            strategy_id=random.choice((None, ids[0])),
            before=random.choice((None, {"a": "1.0", "bb": [1, None]})),
            after={"a": "2"},
            request_id=random.choice((None, "r")),
        )


def _instruments() -> Iterator[Instrument]:
    """A recorded instrument and an assumed one; the third is unknown."""
    yield Instrument(
        instrument_id=INSTRUMENTS[0],
        base_currency="BTC",
        quote_currency="USDT",
        settlement_currency="BTC",
        multiplier=Decimal("0.10"),
        is_inverse=True,
        source="RECORDED",
        kind="CryptoPerpetual",
    )
    yield Instrument(instrument_id=INSTRUMENTS[1], quote_currency="USDT", settlement_currency="USDT")


def _discrepancies(random: Random, fills: list[Fill]) -> Iterator[Discrepancy]:
    for one in fills[::5]:
        for kind in random.sample(list(DiscrepancyKind), 2):
            yield Discrepancy(
                strategy_id=one.strategy_id,
                event_id=one.event_id,
                kind=kind.value,
                position_id=one.position_id,
                position_n=random.choice((None, 1)),
                instrument_id=one.instrument_id,
                ts_event=one.ts_event,
                ledger_value=random.choice((None, "0.10", "USD")),
                engine_value=random.choice(("-1.50", "BTC")),
            )


def _signal(random: Random, number: int, strategy_id: UUID) -> Signal:
    instant = START + random.randrange(3)
    value = random.choice((1, "x", {"a": [True, None]}, 1.5))
    return Signal(
        **{"strategy_id": strategy_id, "signal_id": UUID(int=number), "name": "cross", "value": value},
        instrument_id=random.choice((None, INSTRUMENTS[0])),
        **{"ts_event": instant, "ts_init": instant},
    )


def _order(random: Random, number: int, strategy_id: UUID) -> Order:
    status = random.choice([*OrderStatus, *[OrderStatus.FILLED] * 10])
    quantity = random.choice(QUANTITIES)
    filled_qty = random.choice((Decimal(0), quantity, quantity + Decimal("0.05")))
    return order(
        f"O-{number // 2}{random.choice('ab')}{number}",
        random.randrange(20),
        strategy_id=strategy_id,
        **{name: random.choice((None, text)) for name, text in (("account_id", "A"), ("venue_order_id", "V/1"))},
        position_id=random.choice((None, "P-1")),
        instrument_id=random.choice(INSTRUMENTS),
        side=random.choice(list(OrderSide)).value,
        order_type=random.choice(list(OrderType)[:3]).value,
        time_in_force=random.choice(list(TimeInForce)).value,
        status=status.value,
        quantity=quantity,
        filled_qty=filled_qty,
        overfilled=filled_qty > quantity,
        filled_notional=random.choice(QUANTITIES),
        is_quote_quantity=random.random() < 0.3,
        quantity_source=random.choice(list(QuantitySource)).value,
        exec_spawn_id=random.choice((None, "O-0a0")),
        mismatched=random.random() < 0.3,
        authorization_status=random.choice((None, *AuthorizationStatus)),
        **{name: random.choice((None, *PNLS)) for name in ("price", "trigger_price", "avg_px")},
        deny_reason="BECAUSE: no" if status in ("DENIED", "REJECTED", "CANCELED") else None,
        tags=random.choice(([], ["a"], ['"', "é ☂"])),
        signal_id=random.choice((None, UUID(int=random.randrange(1, 7)))),
        ts_last=START + random.randrange(3),
    )


def _fill(random: Random, number: int, of: Order) -> Fill:
    currency = random.choice(CURRENCIES)
    return fill(
        of.client_order_id,
        number,
        strategy_id=of.strategy_id,
        event_id=UUID(int=random.getrandbits(128)),
        instrument_id=of.instrument_id,
        position_id=random.choice(("P-1", "P:2")),
        position_n=random.randrange(1, 4),
        flip_qty=random.choice((Decimal(0), Decimal(0), Decimal("0.5"))),
        side=of.side if of.side in TRADED_SIDES else "BUY",
        last_qty=random.choice(QUANTITIES),
        last_px=random.choice((Decimal("100.50"), Decimal("7"))),
        currency=currency,
        commission=random.choice((Decimal("0.10"), Decimal("-0.0500"), Decimal(0))),
        commission_currency=random.choice((currency, "USDT", "BNB")),
        realized_pnl=random.choice(PNLS),
        settlement_currency=random.choice((currency, currency, "BNB")),
        notional=random.choice(QUANTITIES),
        ts_event=START + random.choice((0, 1, random.randrange(60), 24, 48)) * HOUR + random.choice((0, 0, 7)),
    )


def _positions(random: Random, fills: list[Fill]) -> Iterator[Position]:
    lives: dict[tuple[UUID, str, int], list[Fill]] = {}
    for one in fills:
        lives.setdefault((one.strategy_id, one.position_id, one.position_n), []).append(one)
        if one.flip_qty:
            lives.setdefault((one.strategy_id, one.position_id, one.position_n + 1), []).append(one)
    for number, ((strategy_id, position_id, n), within) in enumerate(lives.items()):
        within.sort(key=lambda one: one.ts_event)
        is_closed = random.random() < 0.7
        yield position(
            position_id,
            0,
            strategy_id=strategy_id,
            n=n,
            instrument_id=random.choice(INSTRUMENTS),
            **{"status": "CLOSED", "side": "FLAT", "signed_qty": Decimal(0)} if is_closed else {},
            ts_opened=within[0].ts_event,
            last_ts_event=within[-1].ts_event,
            last_seq=number,
            ts_closed=within[-1].ts_event if is_closed else None,
            currency=within[-1].settlement_currency,
            reconciliation=random.choice(list(Reconciliation)).value,
            avg_px_close=random.choice((None, *PNLS)),
            realized_pnl=random.choice(PNLS),
            total_fees=random.choice((Decimal(0), Decimal("0.10"), Decimal("-1.50"))),
        )


def _budgets(random: Random, ids: list[UUID]) -> Iterator[SQLModel]:
    for strategy_id in ids:
        for currency in random.sample((*CURRENCIES, "BNB"), random.randrange(4)):
            is_set = random.random() < 0.7
            cap = random.choice((Decimal(10) ** 9, Decimal("1e6"), Decimal("1000000.50"))) if is_set else None
            one = budget(
                strategy_id,
                currency,
                random.randrange(3),
                allocated=cap,
                **{} if is_set else {"created_at": None},
                reserved_orders=random.choice((Decimal(0), Decimal("7.50"))),
                reserved_positions=random.choice((Decimal(0), Decimal("0.123456789012345678"))),
                version=random.randrange(1, 9),
            )
            yield one
            yield from journal(one)


def _holds(random: Random, orders: list[Order]) -> Iterator[Hold]:
    for of in orders[::2]:
        is_known = any(one.instrument_id == of.instrument_id for one in _instruments())
        is_worth = is_known or random.random() < 0.7  # the service values the others at its start
        nothing = dict.fromkeys(("amount", "remaining", "captured"), Decimal(0))
        placed = {"currency": random.choice(CURRENCIES)} if is_worth else {"currency": None, **nothing}
        placed["unit_price"] = random.choice((None, *PNLS)) if random.random() < 0.3 else PNLS[2]
        is_unvalued = random.random() < 0.3
        yield hold(of.client_order_id, strategy_id=of.strategy_id, is_unvalued=is_unvalued, **placed)


def _events(random: Random, orders: list[Order]) -> Iterator[SQLModel]:
    for seq in range(1, 61):
        of = random.choice(orders[:12])
        key = {"strategy_id": of.strategy_id, "event_id": UUID(int=random.getrandbits(128)), "variant": seq % 2}
        instants = {"ts_event": START + random.randrange(4), "ts_init": START + random.randrange(2)}
        payload = {"n": seq, "type": "OrderAccepted", "amounts": ["0.10", None]}
        about = {"type": "OrderAccepted", "client_order_id": of.client_order_id}
        yield OrderEvent(**key, seq=seq, **about, **instants, payload=payload)
        if random.random() < 0.3:
            reason = {"client_order_id": of.client_order_id, "code": "ILLEGAL_TRANSITION", "reason": 'not "now"'}
            yield QuarantinedEvent(**key, **reason, ts_event=instants["ts_event"])
            if random.random() < 0.5:
                decided = {"action": random.choice(("ACCEPT", "DISMISS")), "reason": "seen", "actor": "key:ops"}
                yield QuarantineResolution(**key, **decided, ts=START + seq)


ROWS = random_rows(seed=7)
"""The rows of both servers."""
