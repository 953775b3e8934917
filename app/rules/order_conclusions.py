"""What follows from all events of an order together and no event says by itself.

Concluded last, on the folded order, so a later event of any kind corrects it: the order is then folded anew from its
events (`RANK_CONCLUDED`).

* An order that was filled before anything said that it was sent: the status that its fills give it. External orders
  are such: NautilusTrader publishes their OrderInitialized and OrderFilled and nothing between.
* An order for an amount of the quote currency. NautilusTrader 1.221 turns the amount into a base quantity at the market
  price of the submission, rounded to the instrument's size precision, and publishes neither that nor the order's end.
  The order is complete when the amount, at a price near those that it traded at, buys no more than was traded
  (docs/adr/0022).
* An order of which nothing says the quantity: at least what was filled.
"""

from decimal import Decimal

from app.rules.enums import OrderStatus, QuantitySource
from app.rules.order_state import RANK_CONCLUDED, OrderState
from app.rules.order_transitions import BEFORE_VENUE, TRANSITIONS

SLIPPAGE_MAX = Decimal("0.01")
"""How far the price of the submission may lie from the best price that the order traded at, as a part of that."""
POSITION_DIFFERENCE = "INTERNAL-DIFF"
"""The strategy of the orders by which NautilusTrader explains a position's difference: each is one whole fill."""

_HALF = Decimal("0.5")
_OTHER_UNIT = 2


def conclude(state: OrderState) -> None:
    """Add what follows from all events together; changes `state` in place."""
    if state.quantity_source is QuantitySource.UNKNOWN:
        _conclude_quantity(state)
    if state.quantity < 0:
        state.quantity = Decimal(0)  # spawned orders took more off it than it had
    if not state.filled_qty:
        return
    if state.is_quote_quantity:
        _conclude_amount(state)
    if state.status in BEFORE_VENUE:
        state.status = OrderStatus.FILLED if state.is_complete else OrderStatus.PARTIALLY_FILLED
        state.last_rank = RANK_CONCLUDED


def _conclude_quantity(state: OrderState) -> None:
    state.quantity = max(state.quantity, state.filled_qty)
    if state.strategy_name == POSITION_DIFFERENCE and state.filled_qty:
        state.quantity_source = QuantitySource.INFERRED
        _complete(state)


def _conclude_amount(state: OrderState) -> None:
    state.last_rank = RANK_CONCLUDED
    if state.is_terminal:
        return
    if abs(state.filled_notional) > state.quantity * _OTHER_UNIT:
        # No price of the market makes this the amount: its unit is that of the fills, as for an inverse instrument.
        state.is_quote_quantity, state.quantity_source = False, QuantitySource.INFERRED
        if state.is_complete:
            _complete(state)
    elif _is_spent(state):
        state.is_quote_quantity, state.quantity_source = False, QuantitySource.INFERRED
        state.quantity = state.filled_qty
        _complete(state)


def _is_spent(state: OrderState) -> bool:
    """Whether the amount buys no more than was traded, at a price as far from the best one as it may be."""
    best, exponent = state.best_px, state.qty_exponent
    if best is None:  # it was not for an amount yet when it was filled
        best, exponent = state.avg_px, state.filled_qty.as_tuple().exponent  # type: ignore[assignment]
    assert best is not None  # it was filled
    return (state.filled_qty + _HALF.scaleb(exponent)) * abs(best) * (1 + SLIPPAGE_MAX) >= state.quantity


def _complete(state: OrderState) -> None:
    if state.status in BEFORE_VENUE or OrderStatus.FILLED in TRANSITIONS[state.status]:
        state.status = OrderStatus.FILLED
    state.last_rank = RANK_CONCLUDED
