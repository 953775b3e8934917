"""The third step of recording: new fills move positions and realize PnL.

Fills count in the order of `rules.positions.FillPlace`. A fill that comes after all others of its position is
applied on top; an earlier one makes its position be computed again from the life it falls into.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import asyncpg
from msgspec import Struct

from app.database import WriteConnection
from app.ledger.arrival import NewFill
from app.ledger.by_keys import array_source
from app.models.fill import NO_REPEAT
from app.rules.enums import OrderSide
from app.rules.events import OrderFilled
from app.rules.positions import FillPlace, PositionFill, PositionState, apply_fill, closing_fee, trade_seq_of

PositionKey = tuple[str, str]
"""(strategy_id, position_id)"""

_ZERO = Decimal(0)
_NO_REPEAT = str(NO_REPEAT)
_KEYS = array_source("strategy_id uuid", "position_id text")
_LOAD_LATEST = f"""
SELECT p.* FROM {_KEYS} k JOIN LATERAL (
    SELECT * FROM positions WHERE strategy_id = k.strategy_id AND position_id = k.position_id ORDER BY n DESC LIMIT 1
) p ON true
"""
_LOAD_LIVES_FROM = """
SELECT * FROM positions WHERE strategy_id = $1 AND position_id = $2 AND n >= coalesce((
    SELECT max(n) FROM positions WHERE strategy_id = $1 AND position_id = $2
    AND (ts_opened, first_ts_init, first_trade_seq, first_seq) <= ($3, $4, $5, $6)
), 0) ORDER BY n
"""
_LOAD_FILLS_FROM = """
SELECT * FROM fills
WHERE strategy_id = $1 AND position_id = $2 AND (ts_event, ts_init, trade_seq, seq) >= ($3, $4, $5, $6)
ORDER BY ts_event, ts_init, trade_seq, seq
"""
_LOAD_MULTIPLIERS = "SELECT instrument_id, multiplier FROM instruments WHERE instrument_id = ANY($1)"
_START: FillPlace = (-1, -1, -1, -1)


class Life(Struct):
    """One row of `positions`: the computed state and what identifies it."""

    state: PositionState
    account_id: str
    instrument_id: str
    first: FillPlace
    last: FillPlace
    before: "Life | None" = None
    """As it is stored; None for a position that is new."""

    @property
    def tied_up(self) -> Decimal:
        """What it ties up of a budget: its cost while it is open."""
        return abs(self.state.cost) if self.state.signed_qty else _ZERO


class BookedFill(Struct):
    """A fill with what it did. The `before` values are those stored earlier, for a fill that is computed again."""

    strategy_id: str
    event_id: str
    position_id: str
    place: FillPlace
    fill: PositionFill
    instrument_id: str
    account_id: str
    event: OrderFilled | None = None
    realized_pnl: Decimal = _ZERO
    position_n: int = 0
    flip_qty: Decimal = _ZERO
    before: tuple[Decimal, int, Decimal] | None = None
    repeat_id: str = _NO_REPEAT

    @property
    def effect(self) -> tuple[Decimal, int, Decimal]:
        """What computing the position again may change."""
        return self.realized_pnl, self.position_n, self.flip_qty


@dataclass(slots=True)
class PositionChanges:
    """Everything that the fills brought about."""

    fills: list[BookedFill] = field(default_factory=list)
    """New fills."""
    revised: list[BookedFill] = field(default_factory=list)
    """Fills stored earlier whose effect is another now."""
    lives: dict[tuple[str, str, int], Life] = field(default_factory=dict)
    removed: list[tuple[str, str, Life]] = field(default_factory=list)
    """Lives that do not exist any more."""
    new_instruments: dict[str, str] = field(default_factory=dict)
    """Instruments met for the first time: id -> currency."""


async def book_fills(work: WriteConnection, fills: Sequence[NewFill]) -> PositionChanges:
    """Apply new fills to their positions. Reads what is needed; writes nothing. Run under `localcontext(EXACT)`."""
    changes = PositionChanges()
    if not fills:
        return changes
    multipliers = await _multipliers(work, fills, changes)
    groups: dict[PositionKey, list[BookedFill]] = {}
    for new in fills:
        booked = _booked(new)
        groups.setdefault((booked.strategy_id, booked.position_id), []).append(booked)
    latest = await _load_latest(work, groups)
    for key, news in groups.items():
        news.sort(key=lambda booked: booked.place)
        current = latest.get(key)
        if current is None or news[0].place > current.last:
            run_fills(key, current, news, multipliers, changes)
        else:
            await _recompute(work, key, news, multipliers, changes)
        changes.fills += news
    return changes


def run_fills(
    key: PositionKey,
    current: Life | None,
    fills: Iterable[BookedFill],
    multipliers: dict[str, Decimal],
    changes: PositionChanges,
    n_last: int = 0,
) -> None:
    """Apply fills, given in their order, on top of `current`; `n_last` lives came before. Adds to `changes.lives`."""
    for booked in fills:
        state = current.state if current is not None else None
        effect = apply_fill(state, booked.fill, multipliers[booked.instrument_id], n_last)
        if current is None or effect.position is not current.state:
            current = _life(effect.position, booked)
        current.last = booked.place
        changes.lives[(*key, current.state.n)] = current
        booked.realized_pnl, booked.position_n = effect.realized_pnl, current.state.n
        booked.flip_qty = _ZERO
        if effect.flipped_into is not None:
            booked.flip_qty = abs(effect.flipped_into.signed_qty)
            current = _life(effect.flipped_into, booked)
            changes.lives[(*key, current.state.n)] = current


async def _recompute(
    work: WriteConnection,
    key: PositionKey,
    news: list[BookedFill],
    multipliers: dict[str, Decimal],
    changes: PositionChanges,
) -> None:
    """Compute a position again from the life that the earliest new fill falls into."""
    lives = [life_of(row) for row in await work.fetch(_LOAD_LIVES_FROM, *key, *news[0].place)]
    first = lives[0]
    starts_inside = first.first <= news[0].place
    since = first.first if starts_inside else _START
    stored = [booked_of(row) for row in await work.fetch(_LOAD_FILLS_FROM, *key, *since)]
    missing = {booked.instrument_id for booked in stored} - multipliers.keys()
    for row in await work.fetch(_LOAD_MULTIPLIERS, list(missing)):
        multipliers[row["instrument_id"]] = row["multiplier"]
    start: Life | None = None
    n_last = first.state.n - 1 if starts_inside else 0
    replayed = stored
    if starts_inside and stored and stored[0].position_n < first.state.n:
        # The life began with the rest of a fill that closed the one before it.
        start = _life(_rest_of(stored[0], first.state.n, multipliers[stored[0].instrument_id]), stored[0])
        replayed = stored[1:]
    before = {life.state.n: life for life in lives}
    recomputed = PositionChanges()
    if start is not None:
        recomputed.lives[(*key, start.state.n)] = start
    run_fills(key, start, sorted([*replayed, *news], key=lambda booked: booked.place), multipliers, recomputed, n_last)
    for place, life in recomputed.lives.items():
        old = before.pop(place[2], None)
        life.before = old.before if old is not None else None
        changes.lives[place] = life
    changes.removed += [(*key, life) for life in before.values()]
    changes.revised += [booked for booked in replayed if booked.effect != booked.before]


def _rest_of(booked: BookedFill, n: int, multiplier: Decimal) -> PositionState:
    fill = booked.fill
    fee = fill.commission - closing_fee(fill.commission, fill.last_qty - booked.flip_qty, fill.last_qty)
    rest = PositionFill(
        side=fill.side,
        last_qty=booked.flip_qty,
        last_px=fill.last_px,
        commission=fee,
        commission_currency=fill.commission_currency,
        currency=fill.currency,
        ts_event=fill.ts_event,
    )
    return apply_fill(None, rest, multiplier, n - 1).position


async def _multipliers(work: WriteConnection, fills: Sequence[NewFill], changes: PositionChanges) -> dict[str, Decimal]:
    currencies = {new.event.instrument_id: new.event.currency for new in fills}
    rows = await work.fetch(_LOAD_MULTIPLIERS, list(currencies))
    multipliers = {row["instrument_id"]: row["multiplier"] for row in rows}
    for instrument_id, currency in currencies.items():
        if instrument_id not in multipliers:
            multipliers[instrument_id] = Decimal(1)
            changes.new_instruments[instrument_id] = currency
    return multipliers


async def _load_latest(work: WriteConnection, keys: Iterable[PositionKey]) -> dict[PositionKey, Life]:
    keys = list(keys)
    arrays = [strategy_id for strategy_id, _ in keys], [position_id for _, position_id in keys]
    rows = await work.fetch(_LOAD_LATEST, *arrays)
    return {(str(row["strategy_id"]), row["position_id"]): life_of(row) for row in rows}


def position_id_of(event: OrderFilled) -> str:
    """The fill's position; a fill that names none belongs to the instrument's one position of the strategy."""
    return event.position_id or f"{event.instrument_id}-{event.strategy_id}"


def _booked(new: NewFill) -> BookedFill:
    event = new.event
    fill = PositionFill(
        side=event.order_side,
        last_qty=event.last_qty,
        last_px=event.last_px,
        commission=event.commission_amount,
        commission_currency=event.commission_currency,
        currency=event.currency,
        ts_event=event.ts_event,
    )
    place = (event.ts_event, event.ts_init, trade_seq_of(event.trade_id), new.seq)
    return BookedFill(
        strategy_id=new.strategy_id,
        event_id=event.event_id,
        position_id=position_id_of(event),
        place=place,
        fill=fill,
        instrument_id=event.instrument_id,
        account_id=event.account_id or "",
        event=event,
        repeat_id=event.event_id if new.is_repeat else _NO_REPEAT,
    )


def booked_of(row: asyncpg.Record) -> BookedFill:
    """A stored fill, with its stored effect as `before`."""
    effect = (row["realized_pnl"], row["position_n"], row["flip_qty"])
    fill = PositionFill(
        side=OrderSide(row["side"]),
        last_qty=row["last_qty"],
        last_px=row["last_px"],
        commission=row["commission"],
        commission_currency=row["commission_currency"],
        currency=row["currency"],
        ts_event=row["ts_event"],
    )
    return BookedFill(
        strategy_id=str(row["strategy_id"]),
        event_id=str(row["event_id"]),
        position_id=row["position_id"],
        place=(row["ts_event"], row["ts_init"], row["trade_seq"], row["seq"]),
        fill=fill,
        instrument_id=row["instrument_id"],
        account_id=row["account_id"],
        realized_pnl=effect[0],
        position_n=effect[1],
        flip_qty=effect[2],
        before=effect,
    )


def _life(state: PositionState, booked: BookedFill) -> Life:
    return Life(state, booked.account_id, booked.instrument_id, booked.place, booked.place)


def life_of(row: asyncpg.Record) -> Life:
    """A stored position, with itself as `before`."""
    life = _stored_life(row)
    life.before = _stored_life(row)
    return life


def _stored_life(row: asyncpg.Record) -> Life:
    state = PositionState(
        n=row["n"],
        entry=OrderSide(row["entry"]),
        currency=row["currency"],
        ts_opened=row["ts_opened"],
        signed_qty=row["signed_qty"],
        peak_qty=row["peak_qty"],
        cost=row["cost"],
        close_qty=row["close_qty"],
        close_value=row["close_value"],
        avg_px_open=row["avg_px_open"],
        avg_px_close=row["avg_px_close"],
        realized_pnl=row["realized_pnl"],
        total_fees=row["total_fees"],
        ts_closed=row["ts_closed"],
    )
    first = (row["ts_opened"], row["first_ts_init"], row["first_trade_seq"], row["first_seq"])
    last = (row["last_ts_event"], row["last_ts_init"], row["last_trade_seq"], row["last_seq"])
    return Life(state, row["account_id"], row["instrument_id"], first, last)
