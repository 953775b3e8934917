"""Exposure: open positions, open orders, last prices, and what a batch changes of them. Strategies must be locked."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.json import Decoder

from app.database import WriteConnection
from app.ledger.batch import BookedFill, OrderKey, PositionChanges
from app.ledger.folding.orders import LAST, OrderChange
from app.ledger.storage.queries import ORDER_KEYS, BatchQuery, array_source, arrays_of, join_by, look_up
from app.ledger.storage.rows import HOLD_STATE, ORDER_STATE
from app.models.orders import OPEN
from app.rules.enums import OrderSide, QuantitySource
from app.rules.holds import HoldState, OrderWithHold, is_amount, opposite, unit_price_of
from app.rules.order_state import TERMINAL, OrderState
from app.rules.valuation import Valuation

Market: TypeAlias = tuple[str, str]
"""(strategy_id, instrument_id). Orders and positions of one market share exposure."""
Side: TypeAlias = tuple[Market, OrderSide]
"""One side of a market."""

_MARKETS = array_source("strategy_id uuid", "instrument_id text")
_SIDES = array_source("strategy_id uuid", "instrument_id text", "side text")
_OPEN_QTY = f"""
SELECT p.strategy_id, p.instrument_id, p.entry, sum(abs(p.signed_qty)) AS open_qty FROM {_MARKETS} k
{join_by("positions", "p", "k", "strategy_id", "instrument_id", also="status = 'OPEN'")}
GROUP BY 1, 2, 3
"""
_UNVALUED = """
SELECT h.strategy_id, h.client_order_id, o.instrument_id, h.currency, o.quantity_source FROM holds h
JOIN orders o ON o.strategy_id = h.strategy_id AND o.client_order_id = h.client_order_id
WHERE h.strategy_id = ANY($1::uuid[]) AND h.is_unvalued ORDER BY 1, 2
"""
_HOLDS = look_up("holds", ORDER_KEYS)
_OPEN_ORDERS = f"""
SELECT o.*, '' AS strategy_name, h.*
FROM {_SIDES} k
{join_by("orders", "o", "k", "instrument_id", "strategy_id", "side", also=OPEN)}
{join_by("holds", "h", "o", "strategy_id", "client_order_id")}
"""
# For an inverse instrument an amount of the quote currency is a number of units, as in `rules.holds.is_amount`.
_IS_UNITS = """(NOT is_quote_quantity OR EXISTS (
    SELECT FROM instruments i WHERE i.instrument_id = orders.instrument_id AND i.is_inverse))"""
_CLAIMED = f"""
SELECT o.strategy_id, o.instrument_id, o.side,
       sum(greatest(o.quantity - o.filled_qty, 0)) AS claimed, max(o.ts_init) AS ts_init
FROM {_SIDES} k
{join_by("orders", "o", "k", "instrument_id", "strategy_id", "side", also=f"{OPEN} AND {_IS_UNITS}")}
GROUP BY 1, 2, 3
"""
_LATEST = "ORDER BY ts_event DESC, event_id DESC LIMIT 1"
_OWN_LATEST = f"FROM fills WHERE instrument_id = k.instrument_id AND strategy_id = k.strategy_id {_LATEST}"
_LAST_FILLS = f"""
SELECT k.strategy_id, k.instrument_id, f.ts_event, f.event_id, f.last_px FROM {_MARKETS} k CROSS JOIN LATERAL (
    SELECT * {_OWN_LATEST}
) f
"""
# The price of the strategy's own last fill; else of another strategy's fill.
_LAST_PRICES = f"""
SELECT k.strategy_id, k.instrument_id, f.last_px FROM {_MARKETS} k CROSS JOIN LATERAL (
    (SELECT last_px, 0 AS place {_OWN_LATEST})
    UNION ALL (SELECT last_px, 1 FROM fills WHERE instrument_id = k.instrument_id {_LATEST})
    ORDER BY place LIMIT 1
) f
"""


class LastFill(NamedTuple):
    """The latest fill. Compares in the order of fills."""

    ts_event: int
    event_id: str
    price: Decimal


class UnvaluedOrder(Struct, frozen=True):
    """An open order whose hold is unknown: its quantity, its instrument (no `currency`) or a price is missing."""

    strategy_id: str
    client_order_id: str
    instrument_id: str
    currency: str | None
    quantity_source: QuantitySource


class _OpenQuantity(Struct):
    strategy_id: str
    instrument_id: str
    entry: OrderSide
    open_qty: Decimal


_UNVALUED_ROWS = Decoder(list[UnvaluedOrder])
_OPEN_QUANTITIES = Decoder(list[_OpenQuantity])


def unvalued_of(strategy_ids: Iterable[str]) -> BatchQuery[list[UnvaluedOrder]]:
    """The open orders of these strategies whose hold is unknown."""
    return BatchQuery(_UNVALUED, [list(strategy_ids)], _UNVALUED_ROWS, lambda rows: rows)


def open_quantities(markets: Iterable[Market]) -> BatchQuery[dict[Side, Decimal]]:
    """Open quantities by market and opening side."""

    def read(rows: list[_OpenQuantity]) -> dict[Side, Decimal]:
        return {((row.strategy_id, row.instrument_id), row.entry): row.open_qty for row in rows}

    return BatchQuery(_OPEN_QTY, arrays_of(markets), _OPEN_QUANTITIES, read)


async def load_holds(work: WriteConnection, keys: Iterable[OrderKey]) -> dict[OrderKey, HoldState]:
    """The holds of those orders that have one."""
    rows = await work.fetch(_HOLDS, *arrays_of(keys))
    return {(str(row["strategy_id"]), row["client_order_id"]): HOLD_STATE.read(row) for row in rows}


async def load_open_orders(work: WriteConnection, sides: Iterable[Side]) -> list[OrderWithHold]:
    """Open orders on these sides."""
    rows = await work.fetch(_OPEN_ORDERS, *arrays_of(((*market, side.value) for market, side in sides), 3))
    return [
        order_with_hold((str(row["strategy_id"]), row["client_order_id"]), ORDER_STATE.read(row), HOLD_STATE.read(row))
        for row in rows
    ]


async def load_claims(work: WriteConnection, sides: Iterable[Side]) -> dict[Side, tuple[Decimal, int]]:
    """The unfilled quantity of the open orders on each side, and their last `ts_init`."""
    rows = await work.fetch(_CLAIMED, *arrays_of(((*market, side.value) for market, side in sides), 3))
    return {
        ((str(row["strategy_id"]), row["instrument_id"]), OrderSide(row["side"])): (row["claimed"], row["ts_init"])
        for row in rows
    }


async def load_last_prices(work: WriteConnection, markets: Iterable[Market]) -> dict[Market, Decimal]:
    """The price of the latest fill in each market: of the strategy, or if it has none, of any strategy."""
    rows = await work.fetch(_LAST_PRICES, *arrays_of(markets))
    return {(str(row["strategy_id"]), row["instrument_id"]): row["last_px"] for row in rows}


async def load_last_fills(work: WriteConnection, markets: Iterable[Market]) -> dict[Market, LastFill]:
    """The strategy's latest fill in each market, independent of other strategies."""
    rows = await work.fetch(_LAST_FILLS, *arrays_of(markets))
    return {
        (str(row["strategy_id"]), row["instrument_id"]): LastFill(row["ts_event"], str(row["event_id"]), row["last_px"])
        for row in rows
    }


def reducible_in(open_qty: Mapping[Side, Decimal], side: Side) -> Decimal:
    """The open quantity that orders on that side would reduce: all of the other side.

    While both sides are open the strategy hedges, and NautilusTrader opens another position for an order that names
    none. No event has the position that an order names, but orders that close one are reduce-only and hold nothing.
    """
    market, own = side
    return Decimal(0) if open_qty.get(side) else open_qty.get((market, opposite(own)), Decimal(0))


def order_with_hold(key: OrderKey, state: OrderState, hold: HoldState) -> OrderWithHold:
    """An order with its hold. An ended order has no unfilled quantity."""
    is_open = not state.is_terminal
    return OrderWithHold(
        key=key,
        instrument_id=state.instrument_id,
        side=state.side,
        leaves_qty=state.leaves_qty if is_open else Decimal(0),
        reduce_only=state.reduce_only,
        ts_init=state.ts_init,
        price=state.price,
        trigger_price=state.trigger_price,
        hold=hold,
        is_amount=state.is_quote_quantity,
        is_unknown=state.quantity_source is QuantitySource.UNKNOWN and is_open and not state.reduce_only,
    )


def refer_to_own_events(order: OrderWithHold, state: OrderState, valuation: Valuation | None) -> bool:
    """Value the order by the price of its release from the emulator, or at which the engine converted its amount.

    Returns whether this reference price is new: it is stored even if the order has a price.
    """
    price = state.reference_price
    if price is None and is_amount(True, valuation):
        price = state.submission_px
    if price is None or price == order.hold.reference_price:
        return False
    order.hold.reference_price = price
    return True


async def find_references(
    work: WriteConnection,
    orders: Sequence[OrderChange],
    with_holds: Mapping[OrderKey, OrderWithHold],
    positions: PositionChanges,
    last_prices: Mapping[Market, Decimal],
) -> None:
    """Value orders without a price: by the strategy's last fill before the order, else by the order's first fill.

    Both follow from the strategy's own events, independent of batches.
    """
    without = [
        (change, order)
        for change in orders
        if (order := with_holds.get(change.key)) is not None
        and unit_price_of(order.price, order.trigger_price, order.hold.reference_price) is None
    ]
    if not without:
        return
    booked_fills = sorted(positions.fills, key=attrgetter("seq"))
    first_own: dict[OrderKey, Decimal] = {}
    for booked in booked_fills:
        assert booked.event is not None  # new fills have theirs
        first_own.setdefault((booked.strategy_id, booked.event.client_order_id), booked.fill.last_px)
    new = [(change.first_seq, order) for change, order in without if change.first_seq is not None]
    stored = await load_last_fills(work, {order.market for _, order in new}) if new else {}
    traded = _traded(booked_fills, stored)
    for first_seq, order in new:
        fills = traded.get(order.market, [])
        if earlier := bisect_left(fills, first_seq, key=itemgetter(0)):
            order.hold.reference_price = fills[earlier - 1][1].price
    for change, order in without:
        if order.hold.reference_price is None:
            own = first_own.get(order.key, change.state.avg_px)
            order.hold.reference_price = own if own is not None else last_prices.get(order.market)


def _traded(
    booked_fills: Sequence[BookedFill], stored: Mapping[Market, LastFill]
) -> dict[Market, list[tuple[int, LastFill]]]:
    """By market, the last fill after each event. Stored fills come before all."""
    traded = {market: [(-1, fill)] for market, fill in stored.items()}
    for booked in booked_fills:
        fills = traded.setdefault((booked.strategy_id, booked.instrument_id), [])
        fill = LastFill(booked.place[0], booked.event_id, booked.fill.last_px)
        if fills and fills[-1][1] > fill:
            fill = fills[-1][1]
        fills.append((booked.seq, fill))
    return traded


_ZERO = Decimal(0)


@dataclass(slots=True)
class Trades:
    """The effects of the batch's fills."""

    open_qty: dict[tuple[Market, OrderSide], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Changes of open quantities, by opening side."""
    increasing: dict[OrderKey, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Quantities that opened or increased a position, by order."""
    amounts: dict[OrderKey, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """The same quantities valued at their prices, as amounts of the quote currency."""
    reserved: dict[tuple[str, str | None], dict[str, Decimal]] = field(default_factory=dict)
    """Changes of the amounts that positions reserve, by currency; by the last order that traded in them, if any."""


def trades_of(positions: PositionChanges) -> Trades:
    """The effects of the batch's fills, by order and by market."""
    trades = Trades()
    last_order: dict[tuple[str, str], str] = {}
    for booked in positions.fills:
        assert booked.event is not None  # new fills have theirs
        key = (booked.strategy_id, booked.event.client_order_id)
        last_order[booked.strategy_id, booked.position_id] = booked.event.client_order_id
        record = positions.records[booked.strategy_id, booked.position_id, booked.outcome.position_n]
        is_increasing = record.state.entry is booked.fill.side
        quantity = booked.fill.last_qty if is_increasing else booked.outcome.flip_qty
        trades.increasing[key] += quantity
        trades.amounts[key] += quantity * abs(booked.fill.last_px)
    for place, record, sign in positions.moves():
        state = record.state
        if not state.signed_qty:
            continue
        order = (place[0], last_order.get(place[:2]))
        trades.open_qty[(place[0], record.instrument_id), state.entry] += sign * abs(state.signed_qty)
        amounts = trades.reserved.setdefault(order, {})
        amounts[state.currency] = amounts.get(state.currency, _ZERO) + sign * record.reserved
    return trades


def given_up_of(
    orders: Sequence[OrderChange],
    with_holds: Mapping[OrderKey, OrderWithHold],
    open_qty: Mapping[Side, Decimal],
    positions: PositionChanges,
) -> dict[OrderKey, Decimal]:
    """The quantities by which orders that end in this batch would still have increased exposure, when they ended.

    Includes orders that ended earlier without a value: a late fill may value them.
    """
    ended = {
        change.key: change
        for change in orders
        if change.state.is_terminal
        and change.state.leaves_qty
        and not change.state.reduce_only
        and (order := with_holds.get(change.key)) is not None
        and (change.before is None or change.before.status not in TERMINAL or order.hold.unit_price is None)
    }
    if not ended:
        return {}
    given_up = {key: change.state.leaves_qty for key, change in ended.items()}
    rewound = _Rewound(open_qty, positions, {with_holds[key].market for key in ended})
    claims = _claims(with_holds, ended)
    for key, change in sorted(ended.items(), key=lambda item: item[1].last_seq, reverse=True):
        order = with_holds[key]
        side = (order.market, order.side)
        if order.is_amount or not (reducible := reducible_in(rewound.to(change.last_seq, order.market), side)):
            continue
        for place, leaves, seq in claims[side]:
            if place < order.place and seq > change.last_seq:
                reducible -= leaves
        given_up[key] -= min(given_up[key], max(reducible, _ZERO))
    return given_up


def _claims(
    with_holds: Mapping[OrderKey, OrderWithHold], ended: Mapping[OrderKey, OrderChange]
) -> dict[Side, list[tuple[tuple[int, str], Decimal, int]]]:
    """Claims on positions by side: place in the sequence of claims, quantity, and number of the order's last event."""
    claims: dict[Side, list[tuple[tuple[int, str], Decimal, int]]] = defaultdict(list)
    for key, order in with_holds.items():
        change = ended.get(key)
        leaves = order.leaves_qty if change is None else change.state.leaves_qty
        if leaves and not order.is_amount:
            place = (order.place, leaves, LAST if change is None else change.last_seq)
            claims[order.market, order.side].append(place)
    return claims


class _Rewound:
    """Open quantities by side, rewound to earlier events of this batch, last event first."""

    def __init__(self, open_qty: Mapping[Side, Decimal], positions: PositionChanges, markets: set[Market]) -> None:
        self._held = dict(open_qty)
        self._fills: dict[Market, list[BookedFill]] = defaultdict(list)
        self._signed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for booked in sorted(positions.fills, key=attrgetter("seq")):
            market = (booked.strategy_id, booked.instrument_id)
            if market in markets:
                self._fills[market].append(booked)
        for place, record in positions.records.items():
            self._signed[place[0], place[1]] += record.state.signed_qty

    def to(self, seq: int, market: Market) -> Mapping[Side, Decimal]:
        """The quantities at that event, without later fills in the market."""
        fills = self._fills.get(market, [])
        while fills and fills[-1].seq > seq:
            booked = fills.pop()
            position = (booked.strategy_id, booked.position_id)
            now = self._signed[position]
            then = now - booked.fill.last_qty if booked.fill.side is OrderSide.BUY else now + booked.fill.last_qty
            for signed, sign in ((now, -1), (then, 1)):
                if signed:
                    side = (market, OrderSide.BUY if signed > 0 else OrderSide.SELL)
                    self._held[side] = self._held.get(side, _ZERO) + sign * abs(signed)
            self._signed[position] = then
        return self._held
