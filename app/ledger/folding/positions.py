"""The third step of recording: new fills change positions and realize PnL.

Fills count in the order of `rules.positions.FillPlace`. A fill after all others of its position is applied to it. For
an earlier fill the position is recomputed from the generation of that fill.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from decimal import Decimal

from msgspec.json import Decoder
from sqlalchemy import select, tuple_

from app.database import WriteConnection
from app.ledger.batch import NO_REPEAT, BookedFill, NewFill, PositionChanges, PositionKey, PositionRecord
from app.ledger.storage.locks import LockedStrategy
from app.ledger.storage.queries import POSITION_KEYS, BatchQuery, arrays_of, is_any_of, parameter, sql
from app.ledger.storage.row_mapping import table_of
from app.ledger.storage.rows import booked_of, position_of
from app.models.instruments import Instrument
from app.models.orders import Fill
from app.rules.events import OrderFilled
from app.rules.positions import (
    FillOutcome,
    FillPlace,
    PositionFill,
    PositionState,
    apply_fill,
    rest_of,
    trade_seq_of,
)
from app.rules.valuation import InstrumentDefinition, Valuation, assumed

_ZERO = Decimal(0)
_LOAD_LATEST = f"""
SELECT p.* FROM {POSITION_KEYS} k JOIN LATERAL (
    SELECT * FROM positions WHERE strategy_id = k.strategy_id AND position_id = k.position_id ORDER BY n DESC LIMIT 1
) p ON true
"""
_LOAD_RECORDS_FROM = """
SELECT * FROM positions WHERE strategy_id = $1 AND position_id = $2 AND n >= coalesce((
    SELECT max(n) FROM positions WHERE strategy_id = $1 AND position_id = $2
    AND (ts_opened, first_ts_init, first_trade_seq, first_seq) <= ($3, $4, $5, $6)
), 0) ORDER BY n
"""
_FILLS = table_of(Fill).c
_IN_ORDER = tuple(_FILLS[name] for name in FillPlace._fields)
_OF_POSITION = (_FILLS.strategy_id == parameter(1), _FILLS.position_id == parameter(2))
_SINCE = tuple_(*_IN_ORDER) >= tuple_(*map(parameter, (3, 4, 5, 6)))
_LOAD_FILLS_FROM = sql(select(table_of(Fill)).where(*_OF_POSITION, _SINCE).order_by(*_IN_ORDER))
_INSTRUMENTS = sql(select(table_of(Instrument)).where(is_any_of(table_of(Instrument).c.instrument_id, 1)))
_DEFINITIONS = Decoder(list[InstrumentDefinition])
START = FillPlace(-1, -1, -1, -1)
"""A place before every fill."""


def valuations_of(instrument_ids: Iterable[str]) -> BatchQuery[dict[str, Valuation]]:
    """The valuations of the known instruments among these: recorded ones, and those assumed since a fill."""

    def read(rows: list[InstrumentDefinition]) -> dict[str, Valuation]:
        return {row.instrument_id: row.valuation for row in rows}

    return BatchQuery(_INSTRUMENTS, [list(instrument_ids)], _DEFINITIONS, read)


async def book_fills(
    work: WriteConnection,
    fills: Sequence[NewFill],
    strategies: Mapping[str, LockedStrategy],
    also: Iterable[PositionKey] = (),
    anew: Collection[str] = (),
) -> PositionChanges:
    """Apply new fills to their positions; `also` names further positions for `latest`.

    Positions of the strategies in `anew` are recomputed from their first fill. Reads what it needs; writes nothing.
    Run under `localcontext(EXACT)`.
    """
    changes = PositionChanges()
    groups: dict[PositionKey, list[BookedFill]] = {}
    for new in fills:
        booked = booked_anew(new)
        groups.setdefault((booked.strategy_id, booked.position_id), []).append(booked)
    keys = dict.fromkeys((*groups, *also))
    if not keys:
        return changes
    await _value(work, {new.event.instrument_id: new.event.currency for new in fills}, changes)
    changes.latest = await _load_latest(work, keys)
    while added := _separate_instruments(groups, changes.latest):  # an added id may have an owner, too
        changes.latest |= await _load_latest(work, added)
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
    current: PositionRecord | None,
    fills: Iterable[BookedFill],
    changes: PositionChanges,
    n_last: int = 0,
    *,
    deducts_base_fees: bool = False,
) -> None:
    """Apply fills, given in order, to `current`; `n_last` generations came before.

    Adds to `changes.records` and `changes.trails`. `changes.valuations` must contain the instruments.
    """
    trail = changes.trails.setdefault(key, {})
    for booked in fills:
        state = current.state if current is not None else None
        valuation = changes.valuations[booked.instrument_id]
        fill = booked.fill
        effect = apply_fill(state, fill, valuation, n_last, deducts_base_fees=deducts_base_fees)
        if current is None or effect.position is not current.state:
            current = _opened(effect.position, booked)
        current.last = booked.place
        changes.records[(*key, current.state.n)] = current
        notional = valuation.notional(fill.last_qty, fill.last_px)
        realized_pnl, flip_qty = effect.realized_pnl, effect.flip_qty
        booked.outcome = FillOutcome(realized_pnl, current.state.n, flip_qty, valuation.currency, notional)
        states = trail.setdefault(fill.ts_event, [])
        states.append(copy(effect.position))
        if effect.flipped_into is not None:
            current = _opened(effect.flipped_into, booked)
            changes.records[(*key, current.state.n)] = current
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
    """Recompute a position from the generation of its earliest new fill, or of `since`."""
    since = since if since is not None else news[0].place
    records = [position_of(row) for row in await work.fetch(_LOAD_RECORDS_FROM, *key, *since)]
    starts_inside = bool(records) and records[0].first <= since
    begin = records[0].first if starts_inside else START
    stored = [booked_of(row) for row in await work.fetch(_LOAD_FILLS_FROM, *key, *begin)]
    missing = {booked.instrument_id: booked.fill.currency for booked in stored}
    await _value(work, {one: missing[one] for one in missing.keys() - changes.valuations.keys()}, changes)
    again = PositionChanges(valuations=changes.valuations)
    start: PositionRecord | None = None
    n_last = records[0].state.n - 1 if starts_inside else 0
    replayed = stored
    if starts_inside and stored and stored[0].outcome.position_n <= n_last:
        # The rest of the fill that closed the previous generation opened this one.
        rest, replayed = stored[0], stored[1:]
        valuation = changes.valuations[rest.instrument_id]
        opened = rest_of(n_last + 1, rest.fill, rest.outcome.flip_qty, valuation, deducts_base_fees=deducts_base_fees)
        start = _opened(opened, rest)
        again.records[(*key, start.state.n)] = start
        again.trails[key] = {rest.fill.ts_event: [copy(start.state)]}
    in_order = sorted([*replayed, *news], key=lambda booked: booked.place)
    run_fills(key, start, in_order, again, n_last, deducts_base_fees=deducts_base_fees)
    before = {record.state.n: record for record in records}
    for place, record in again.records.items():
        record.before = before.pop(place[2], None)
        changes.records[place] = record
    changes.removed |= {(*key, n): record for n, record in before.items()}
    changes.revised += [booked for booked in replayed if booked.outcome != booked.before]
    changes.trails[key] = again.trails.get(key, {})
    changes.recomputed[key] = begin[0]


async def _value(work: WriteConnection, currencies: Mapping[str, str], changes: PositionChanges) -> None:
    """Read the valuations of instruments. Unknown instruments are assumed, in the quote currency of a fill."""
    if not currencies:
        return
    changes.valuations.update(await valuations_of(currencies).fetch(work))
    for instrument_id, currency in currencies.items():
        if instrument_id not in changes.valuations:
            changes.valuations[instrument_id] = assumed(currency)
            changes.new_instruments[instrument_id] = currency


def _separate_instruments(
    groups: dict[PositionKey, list[BookedFill]], latest: Mapping[PositionKey, PositionRecord]
) -> list[PositionKey]:
    """Keep a position id for its first instrument; other fills move to ids of their own, which are returned."""
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
    """The position id for an instrument whose position id is used by another instrument."""
    return f"{position_id}@{instrument_id}"


def is_position_id(position_id: str, named: str, instrument_id: str) -> bool:
    """Whether a fill that names one position may be booked on the other: the suffix may be added repeatedly."""
    while position_id != named and len(position_id) > len(named):
        named = position_id_beside(named, instrument_id)
    return position_id == named


async def _load_latest(work: WriteConnection, keys: Iterable[PositionKey]) -> dict[PositionKey, PositionRecord]:
    rows = await work.fetch(_LOAD_LATEST, *arrays_of(keys))
    return {(str(row["strategy_id"]), row["position_id"]): position_of(row) for row in rows}


def position_id_of(event: OrderFilled) -> str:
    """The fill's position id. A fill without one belongs to the single position of its strategy in the instrument."""
    return event.position_id or f"{event.instrument_id}-{event.strategy_id}"


def booked_anew(new: NewFill) -> BookedFill:
    """A new fill, not applied yet."""
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
    place = FillPlace(event.ts_event, event.ts_init, trade_seq_of(event.trade_id), new.seq)
    return BookedFill(
        strategy_id=new.strategy_id,
        event_id=event.event_id,
        position_id=position_id_of(event),
        place=place,
        fill=fill,
        instrument_id=event.instrument_id,
        account_id=event.account_id or "",
        event=event,
        repeat_id=event.event_id if new.is_repeat else NO_REPEAT,
    )


def _opened(state: PositionState, booked: BookedFill) -> PositionRecord:
    return PositionRecord(state, booked.account_id, booked.instrument_id, booked.place, booked.place)
