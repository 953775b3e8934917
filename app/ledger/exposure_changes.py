"""What a batch did to exposure: what its fills opened and closed, and what orders that ended would still have added."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from app.ledger.arrival import OrderKey
from app.ledger.exposure import Market, TiedOrder, reducible_in
from app.ledger.orders import OrderChange
from app.ledger.positions import Life, PositionChanges
from app.rules.enums import OrderSide
from app.rules.holds import opposite
from app.rules.order_transitions import TERMINAL

_ZERO = Decimal(0)


@dataclass(slots=True)
class Trades:
    """What the batch's fills did."""

    held: dict[tuple[Market, OrderSide], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Open quantities more than before, by the side that opened them."""
    increasing: dict[OrderKey, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Quantities that opened or increased a position, by order."""
    amounts: dict[OrderKey, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """The same, each at its price: amounts of the quote currency."""
    tied_up: dict[tuple[str, str | None], dict[str, Decimal]] = field(default_factory=dict)
    """What positions tie up more than before, by currency: of the order that traded last in them, where one did."""


def trades_of(positions: PositionChanges) -> Trades:
    """What the batch's fills did, by order and by market."""
    trades = Trades()
    last_order: dict[tuple[str, str], str] = {}
    for booked in positions.fills:
        assert booked.event is not None  # new fills have theirs
        key = (booked.strategy_id, booked.event.client_order_id)
        last_order[booked.strategy_id, booked.position_id] = booked.event.client_order_id
        life = positions.lives[booked.strategy_id, booked.position_id, booked.position_n]
        is_increasing = life.state.entry is booked.fill.side
        quantity = booked.fill.last_qty if is_increasing else booked.flip_qty
        trades.increasing[key] += quantity
        trades.amounts[key] += quantity * abs(booked.fill.last_px)
    lives: list[tuple[tuple[str, str], Life | None, Life | None]]
    lives = [((place[0], place[1]), life.before, life) for place, life in positions.lives.items()]
    lives += [((place[0], place[1]), life, None) for place, life in positions.removed.items()]
    for place, before, after in lives:
        order = (place[0], last_order.get(place))
        for side, sign in ((before, -1), (after, 1)):
            if side is not None and side.state.signed_qty:
                _add_life(trades, order, side, sign)
    return trades


def _add_life(trades: Trades, order: tuple[str, str | None], life: Life, sign: int) -> None:
    market = (order[0], life.instrument_id)
    trades.held[market, life.state.entry] += sign * abs(life.state.signed_qty)
    amounts = trades.tied_up.setdefault(order, {})
    currency = life.state.currency
    amounts[currency] = amounts.get(currency, _ZERO) + sign * life.tied_up


def given_up_of(
    orders: Sequence[OrderChange],
    tied: Mapping[OrderKey, TiedOrder],
    held: Mapping[tuple[Market, OrderSide], Decimal],
    positions: PositionChanges,
) -> dict[OrderKey, Decimal]:
    """What orders that end with this batch would still have added to exposure, as all stood when they ended."""
    ended = {
        change.key: change
        for change in orders
        if change.state.is_terminal and change.status_before not in TERMINAL and change.state.leaves_qty
    }
    given_up: dict[OrderKey, Decimal] = {}
    for key, change in ended.items():
        order, leaves = tied.get(key), change.state.leaves_qty
        if order is None or order.order.reduce_only:
            continue
        reducible = _ZERO
        if not order.order.is_amount:
            sides = [(order.market, side) for side in (order.order.side, opposite(order.order.side))]
            then = {side: _held_at(change.last_seq, side, held, positions) for side in sides}
            reducible = reducible_in(then, sides[0])
        if reducible:
            reducible -= sum((_leaves_at(change.last_seq, other, ended) for other in _before(order, tied)), _ZERO)
        given_up[key] = leaves - min(leaves, max(reducible, _ZERO))
    return given_up


def _before(order: TiedOrder, tied: Mapping[OrderKey, TiedOrder]) -> Iterator[TiedOrder]:
    """The orders that claim a part of the position before this one."""
    for other in tied.values():
        is_beside = other.market == order.market and other.order.side is order.order.side
        if is_beside and other.order.place < order.order.place:
            yield other


def _leaves_at(seq: int, order: TiedOrder, ended: Mapping[OrderKey, OrderChange]) -> Decimal:
    """What another order wanted at that event: nothing more if it had ended."""
    change = ended.get(order.key)
    if change is None:
        return order.order.leaves_qty
    return change.state.leaves_qty if change.last_seq > seq else _ZERO


def _held_at(
    seq: int,
    place: tuple[Market, OrderSide],
    held: Mapping[tuple[Market, OrderSide], Decimal],
    positions: PositionChanges,
) -> Decimal:
    """The open quantity on that side at that event: that of now, less what later fills did."""
    market, side = place
    quantity = held.get(place, _ZERO)
    later: dict[str, Decimal] = defaultdict(Decimal)
    for booked in positions.fills:
        if booked.seq > seq and (booked.strategy_id, booked.instrument_id) == market:
            bought = booked.fill.side is OrderSide.BUY
            later[booked.position_id] += booked.fill.last_qty if bought else -booked.fill.last_qty
    for position_id, traded in later.items():
        lives = (life for key, life in positions.lives.items() if key[:2] == (market[0], position_id))
        now = sum((life.state.signed_qty for life in lives), _ZERO)
        for signed, sign in ((now, -1), (now - traded, 1)):
            if signed and (signed > 0) is (side is OrderSide.BUY):
                quantity += sign * abs(signed)
    return quantity
