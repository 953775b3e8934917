"""What a batch did to exposure: what its fills opened and closed, and what orders that ended would still have added."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter

from app.ledger.batch import BookedFill, OrderKey, PositionChanges
from app.ledger.folding.orders import LAST, OrderChange
from app.ledger.holds.exposure import Market, OrderWithHold, Side, reducible_in
from app.rules.enums import OrderSide
from app.rules.order_state import TERMINAL

_ZERO = Decimal(0)


@dataclass(slots=True)
class Trades:
    """What the batch's fills did."""

    open_qty: dict[tuple[Market, OrderSide], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Open quantities more than before, by the side that opened them."""
    increasing: dict[OrderKey, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Quantities that opened or increased a position, by order."""
    amounts: dict[OrderKey, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """The same, each at its price: amounts of the quote currency."""
    reserved: dict[tuple[str, str | None], dict[str, Decimal]] = field(default_factory=dict)
    """By how much more positions reserve, by currency; by the order that traded last in them, where one did."""


def trades_of(positions: PositionChanges) -> Trades:
    """What the batch's fills did, by order and by market."""
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
    """What orders that end with this batch would still have added to exposure, as all stood when they ended.

    Orders that ended before and could not be valued yet are among them: a late fill of their own may value them.
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
        side = (order.market, order.order.side)
        if order.order.is_amount or not (reducible := reducible_in(rewound.to(change.last_seq, order.market), side)):
            continue
        for place, leaves, seq in claims[side]:
            if place < order.order.place and seq > change.last_seq:
                reducible -= leaves
        given_up[key] -= min(given_up[key], max(reducible, _ZERO))
    return given_up


def _claims(
    with_holds: Mapping[OrderKey, OrderWithHold], ended: Mapping[OrderKey, OrderChange]
) -> dict[Side, list[tuple[tuple[int, str], Decimal, int]]]:
    """By side of a market: whose turn it is to claim a part of what is reduced, how much, and up to which event."""
    claims: dict[Side, list[tuple[tuple[int, str], Decimal, int]]] = defaultdict(list)
    for key, order in with_holds.items():
        change = ended.get(key)
        leaves = order.order.leaves_qty if change is None else change.state.leaves_qty
        if leaves and not order.order.is_amount:
            place = (order.order.place, leaves, LAST if change is None else change.last_seq)
            claims[order.market, order.order.side].append(place)
    return claims


class _Rewound:
    """Open quantities by side as they were at events of this batch, the last one first."""

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
        """As they were at that event, without what later fills did in the market."""
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
