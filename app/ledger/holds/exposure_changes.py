"""The exposure changes of a batch: those of its fills, and the exposure that ended orders gave up."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter

from app.ledger.batch import BookedFill, OrderKey, PositionChanges
from app.ledger.folding.orders import LAST, OrderChange
from app.ledger.holds.exposure import Market, Side, reducible_in
from app.rules.enums import OrderSide
from app.rules.holds import OrderWithHold
from app.rules.order_state import TERMINAL

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
        and (change.status_before not in TERMINAL or order.hold.unit_price is None)
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
