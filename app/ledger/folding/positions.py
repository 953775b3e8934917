"""The third step of recording: new fills move positions and realize PnL.

Fills count in the order of `rules.positions.FillPlace`. A fill that comes after all others of its position is
applied on top; an earlier one makes its position be computed again from the life it falls into.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from app.database import WriteConnection
from app.ledger.batch import NewFill
from app.ledger.folding.valuations import load_valuations
from app.ledger.storage.key_lookup import array_source
from app.ledger.storage.locks import LockedStrategy
from app.models.fill import NO_REPEAT
from app.rules.enums import OrderSide, Reconciliation
from app.rules.events import OrderFilled
from app.rules.positions import FillPlace, PositionFill, PositionState, apply_fill, rest_of, trade_seq_of
from app.rules.valuation import Valuation, assumed

PositionKey = tuple[str, str]
"""(strategy_id, position_id)"""
Trail = dict[int, list[PositionState]]
"""How a position stood after each fill, by the fill's `ts_event`; after a fill that flips it, both lives."""
FillEffects = tuple[Decimal, int, Decimal, str, Decimal]
"""What a fill did, in the columns EFFECT_COLUMNS."""
EFFECT_COLUMNS = ("realized_pnl", "position_n", "flip_qty", "settlement_currency", "notional")

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
START: FillPlace = (-1, -1, -1, -1)
"""Before every fill."""


class Life(Struct):
    """One row of `positions`: the computed state and what identifies it."""

    state: PositionState
    account_id: str
    instrument_id: str
    first: FillPlace
    last: FillPlace
    reconciliation: Reconciliation = Reconciliation.NOT_REPORTED
    before: "Life | None" = None
    """As it is stored; None for a position that is new."""

    @property
    def is_changed(self) -> bool:
        """Whether it is to be written."""
        return replace(self, before=None) != self.before

    @property
    def reserved(self) -> Decimal:
        """What it ties up of a budget: its cost while it is open."""
        return abs(self.state.cost) if self.state.signed_qty else _ZERO


class BookedFill(Struct):
    """A fill with what it did. `before` is what is stored, for a fill that is computed again."""

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
    settlement_currency: str = ""
    notional: Decimal = _ZERO
    before: FillEffects | None = None
    repeat_id: str = _NO_REPEAT

    @property
    def seq(self) -> int:
        """The number of its event."""
        return self.place[3]

    @property
    def effect(self) -> FillEffects:
        """What computing the position again may change."""
        return self.realized_pnl, self.position_n, self.flip_qty, self.settlement_currency, self.notional


@dataclass(slots=True)
class PositionChanges:
    """Everything that the fills brought about."""

    fills: list[BookedFill] = field(default_factory=list)
    """New fills."""
    revised: list[BookedFill] = field(default_factory=list)
    """Fills stored earlier whose effect is another now."""
    lives: dict[tuple[str, str, int], Life] = field(default_factory=dict)
    removed: dict[tuple[str, str, int], Life] = field(default_factory=dict)
    """Lives that do not exist any more."""
    new_instruments: dict[str, str] = field(default_factory=dict)
    """Instruments met for the first time: id -> currency."""
    valuations: dict[str, Valuation] = field(default_factory=dict)
    """Of the instruments of these fills."""
    trails: dict[PositionKey, Trail] = field(default_factory=dict)
    """Of the positions that moved."""
    latest: dict[PositionKey, Life] = field(default_factory=dict)
    """The last life of each position concerned, as it was stored."""
    recomputed: dict[PositionKey, int] = field(default_factory=dict)
    """Positions that were computed again, from which `ts_event` on."""


async def book_fills(
    work: WriteConnection,
    fills: Sequence[NewFill],
    strategies: Mapping[str, LockedStrategy],
    also: Iterable[PositionKey] = (),
    anew: Collection[str] = (),
) -> PositionChanges:
    """Apply new fills to their positions; `also` names positions of which `latest` is wanted.

    Positions of the strategies in `anew` are computed from their first fill on. Reads what is needed; writes nothing.
    Run under `localcontext(EXACT)`.
    """
    changes = PositionChanges()
    groups: dict[PositionKey, list[BookedFill]] = {}
    for new in fills:
        booked = _booked(new)
        groups.setdefault((booked.strategy_id, booked.position_id), []).append(booked)
    keys = dict.fromkeys((*groups, *also))
    if not keys:
        return changes
    await _value(work, {new.event.instrument_id: new.event.currency for new in fills}, changes)
    changes.latest = await _load_latest(work, keys)
    while strangers := _strangers(groups, changes.latest):  # the id of theirs may have an owner of its own
        changes.latest |= await _load_latest(work, strangers)
    for key, news in groups.items():
        news.sort(key=lambda booked: booked.place)
        current = changes.latest.get(key)
        deducts = strategies[key[0]].deducts_base_fees
        if key[0] in anew:
            await recompute(work, key, news, changes, deducts_base_fees=deducts, since=START)
        elif current is None or news[0].place > current.last:
            current = copy(current) if current is not None else None
            if current is not None:
                current.state, current.before = copy(current.state), changes.latest[key]
            run_fills(key, current, news, changes, deducts_base_fees=deducts)
        else:
            await recompute(work, key, news, changes, deducts_base_fees=deducts)
        changes.fills += news
    return changes


def run_fills(
    key: PositionKey,
    current: Life | None,
    fills: Iterable[BookedFill],
    changes: PositionChanges,
    n_last: int = 0,
    *,
    deducts_base_fees: bool = False,
) -> None:
    """Apply fills, given in their order, on top of `current`; `n_last` lives came before.

    Adds to `changes.lives` and `changes.trails`; `changes.valuations` must have their instruments.
    """
    trail = changes.trails.setdefault(key, {})
    for booked in fills:
        state = current.state if current is not None else None
        valuation = changes.valuations[booked.instrument_id]
        fill = booked.fill
        effect = apply_fill(state, fill, valuation, n_last, deducts_base_fees=deducts_base_fees)
        if current is None or effect.position is not current.state:
            current = _life(effect.position, booked)
        current.last = booked.place
        changes.lives[(*key, current.state.n)] = current
        booked.realized_pnl, booked.position_n = effect.realized_pnl, current.state.n
        booked.flip_qty = effect.flip_qty
        booked.settlement_currency = valuation.currency
        booked.notional = valuation.notional(fill.last_qty, fill.last_px)
        states = trail.setdefault(fill.ts_event, [])
        states.append(copy(effect.position))
        if effect.flipped_into is not None:
            current = _life(effect.flipped_into, booked)
            changes.lives[(*key, current.state.n)] = current
            states.append(copy(current.state))


async def recompute(
    work: WriteConnection,
    key: PositionKey,
    news: list[BookedFill],
    changes: PositionChanges,
    *,
    deducts_base_fees: bool,
    since: FillPlace | None = None,
) -> None:
    """Compute a position again from the life that its earliest new fill, or `since`, falls into."""
    since = since if since is not None else news[0].place
    lives = [life_of(row) for row in await work.fetch(_LOAD_LIVES_FROM, *key, *since)]
    starts_inside = bool(lives) and lives[0].first <= since
    begin = lives[0].first if starts_inside else START
    stored = [booked_of(row) for row in await work.fetch(_LOAD_FILLS_FROM, *key, *begin)]
    missing = {booked.instrument_id: booked.fill.currency for booked in stored}
    await _value(work, {one: missing[one] for one in missing.keys() - changes.valuations.keys()}, changes)
    again = PositionChanges(valuations=changes.valuations)
    start: Life | None = None
    n_last = lives[0].state.n - 1 if starts_inside else 0
    replayed = stored
    if starts_inside and stored and stored[0].position_n <= n_last:
        # The life began with the rest of a fill that closed the one before it.
        rest, replayed = stored[0], stored[1:]
        valuation = changes.valuations[rest.instrument_id]
        opened = rest_of(n_last + 1, rest.fill, rest.flip_qty, valuation, deducts_base_fees=deducts_base_fees)
        start = _life(opened, rest)
        again.lives[(*key, start.state.n)] = start
        again.trails[key] = {rest.fill.ts_event: [copy(start.state)]}
    in_order = sorted([*replayed, *news], key=lambda booked: booked.place)
    run_fills(key, start, in_order, again, n_last, deducts_base_fees=deducts_base_fees)
    before = {life.state.n: life for life in lives}
    for place, life in again.lives.items():
        life.before = before.pop(place[2], None)
        changes.lives[place] = life
    changes.removed |= {(*key, n): life for n, life in before.items()}
    changes.revised += [booked for booked in replayed if booked.effect != booked.before]
    changes.trails[key] = again.trails.get(key, {})
    changes.recomputed[key] = begin[0]


async def _value(work: WriteConnection, currencies: Mapping[str, str], changes: PositionChanges) -> None:
    """Read how instruments are valued; those that are not known are assumed, by the quote currency of a fill."""
    if not currencies:
        return
    changes.valuations.update(await load_valuations(work, currencies))
    for instrument_id, currency in currencies.items():
        if instrument_id not in changes.valuations:
            changes.valuations[instrument_id] = assumed(currency)
            changes.new_instruments[instrument_id] = currency


def _strangers(groups: dict[PositionKey, list[BookedFill]], latest: Mapping[PositionKey, Life]) -> list[PositionKey]:
    """Keep instruments apart that share a position id: the first one has it, fills of others move to an id of theirs.

    Changes `groups`; answers the keys that were added.
    """
    added: list[PositionKey] = []
    for key, group in list(groups.items()):
        owner = latest[key].instrument_id if key in latest else group[0].instrument_id
        if all(booked.instrument_id == owner for booked in group):
            continue
        groups[key] = [booked for booked in group if booked.instrument_id == owner]
        for booked in group:
            if booked.instrument_id != owner:
                booked.position_id = position_id_beside(booked.position_id, booked.instrument_id)
                other = (booked.strategy_id, booked.position_id)
                groups.setdefault(other, []).append(booked)
                added.append(other)
        if not groups[key]:
            del groups[key]
    return list(dict.fromkeys(added))


def position_id_beside(position_id: str, instrument_id: str) -> str:
    """The id of an instrument's position where another instrument has that position id already."""
    return f"{position_id}@{instrument_id}"


def is_position_id(position_id: str, named: str, instrument_id: str) -> bool:
    """Whether a fill that names one position may be booked on another: beside it, once for each owner it met."""
    while position_id != named and len(position_id) > len(named):
        named = position_id_beside(named, instrument_id)
    return position_id == named


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
    effect = tuple(row[name] for name in EFFECT_COLUMNS)
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
        settlement_currency=effect[3],
        notional=effect[4],
        before=effect,
    )


def _life(state: PositionState, booked: BookedFill) -> Life:
    return Life(state, booked.account_id, booked.instrument_id, booked.place, booked.place)


def life_of(row: asyncpg.Record) -> Life:
    """A stored position."""
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
        fills=row["fills"],
    )
    first = (row["ts_opened"], row["first_ts_init"], row["first_trade_seq"], row["first_seq"])
    last = (row["last_ts_event"], row["last_ts_init"], row["last_trade_seq"], row["last_seq"])
    reconciliation = Reconciliation(row["reconciliation"])
    return Life(state, row["account_id"], row["instrument_id"], first, last, reconciliation)
