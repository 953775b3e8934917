"""What values an order that has no price of its own, from its strategy's own events."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import attrgetter, itemgetter

from app.database import WriteConnection
from app.ledger.batch import BookedFill, OrderKey, PositionChanges
from app.ledger.folding.orders import OrderChange
from app.ledger.holds.exposure import LastFill, Market, OrderWithHold, load_last_fills
from app.rules.holds import is_amount, unit_price_of
from app.rules.order_state import OrderState
from app.rules.valuation import Valuation


def refer_to_own_events(order: OrderWithHold, state: OrderState, valuation: Valuation | None) -> bool:
    """Value it by the price at which the emulator released it, or the engine turned its amount into a quantity.

    Returns whether that is another price than before: it is stored even while the order has the same one of its own.
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
    """Value orders without any price: by what their strategy had traded at when they came, else by their first fill.

    Both follow from the strategy's own events, in whatever batches they come.
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
    """By market, its last fill from each event of its strategy on. Stored fills came before all."""
    traded = {market: [(-1, fill)] for market, fill in stored.items()}
    for booked in booked_fills:
        fills = traded.setdefault((booked.strategy_id, booked.instrument_id), [])
        fill = LastFill(booked.place[0], booked.event_id, booked.fill.last_px)
        if fills and fills[-1][1] > fill:
            fill = fills[-1][1]
        fills.append((booked.seq, fill))
    return traded
