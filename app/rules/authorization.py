"""Decides whether an order may be submitted. Pure; run under `localcontext(EXACT)`."""

from dataclasses import dataclass
from decimal import Decimal

from msgspec import Struct

from app.rules.budgets import BudgetState
from app.rules.enums import DenyCode, TradingState, stricter

_ZERO = Decimal(0)


class Question(Struct, frozen=True):
    """An order to authorize, in numbers.

    `trading_state` is the strategy's state, `global_state` the state of all trading; the stricter one decides.
    `increasing_qty` is the part of `quantity` that would increase exposure, `required` the amount that this part
    reserves. `unit_price` and `currency` are None if unknown. `hold_amount` is the amount that the order already
    holds. `unvalued` names an open order of the strategy whose hold cannot be computed, and the remedy.
    """

    strategy_name: str
    trading_state: TradingState
    instrument_id: str
    quantity: Decimal
    increasing_qty: Decimal
    unit_price: Decimal | None
    required: Decimal
    currency: str | None
    budget: BudgetState | None
    hold_amount: Decimal = _ZERO
    unvalued: str | None = None
    global_state: TradingState = TradingState.ACTIVE


@dataclass(slots=True, frozen=True)
class Denial:
    """Why an order is denied; `reason` begins with the code and contains the numbers."""

    code: DenyCode
    reason: str


def decide(question: Question) -> Denial | None:
    """Returns None to grant. An order that only reduces a position is granted unless trading is halted."""
    code, why = _refusal(question)
    return None if code is None else Denial(code, f"{code}: {why}")


def _refusal(order: Question) -> tuple[DenyCode | None, str]:
    increases = order.increasing_qty > 0
    state = stricter(order.global_state, order.trading_state)
    subject = "all trading" if order.global_state is state else order.strategy_name
    if state is TradingState.HALTED:
        return DenyCode.TRADING_HALTED, f"{subject} is HALTED, quantity={order.quantity:f}"
    if state is TradingState.REDUCING and increases:
        quantities = f"increasing={order.increasing_qty:f}, quantity={order.quantity:f}"
        return DenyCode.TRADING_REDUCING, f"{subject} may only reduce positions, {quantities}"
    if order.currency is None:
        what = f"the settlement currency of {order.instrument_id} is unknown, quantity={order.quantity:f}"
        return DenyCode.UNKNOWN_INSTRUMENT, what
    if order.unit_price is None and increases:
        what = f"no price to value {order.increasing_qty:f} {order.instrument_id}"
        return DenyCode.NO_REFERENCE_PRICE, what
    if order.unvalued is not None and increases:
        return DenyCode.UNVALUED_ORDER, order.unvalued
    if order.budget is None:
        return DenyCode.NO_BUDGET, _amounts(order, _ZERO)
    left = order.budget.available
    available = left + order.hold_amount
    if increases and available < order.required:
        return DenyCode.BUDGET_OVER if left < 0 else DenyCode.BUDGET_EXCEEDED, _amounts(order, available)
    return None, ""


def _amounts(order: Question, available: Decimal) -> str:
    return f"available={available:f} {order.currency}, required={order.required:f} {order.currency}"
