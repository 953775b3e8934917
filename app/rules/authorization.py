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


def _refusal(asked: Question) -> tuple[DenyCode | None, str]:
    increases = asked.increasing_qty > 0
    state = stricter(asked.global_state, asked.trading_state)
    if state is TradingState.HALTED:
        return DenyCode.TRADING_HALTED, f"{_subject(asked, state)} is HALTED, quantity={asked.quantity:f}"
    if state is TradingState.REDUCING and increases:
        subject = _subject(asked, state)
        quantities = f"increasing={asked.increasing_qty:f}, quantity={asked.quantity:f}"
        return DenyCode.TRADING_REDUCING, f"{subject} may only reduce positions, {quantities}"
    if asked.currency is None:
        what = f"the settlement currency of {asked.instrument_id} is unknown, quantity={asked.quantity:f}"
        return DenyCode.UNKNOWN_INSTRUMENT, what
    if asked.unit_price is None and increases:
        what = f"no price to value {asked.increasing_qty:f} {asked.instrument_id}"
        return DenyCode.NO_REFERENCE_PRICE, what
    if asked.unvalued is not None and increases:
        return DenyCode.UNVALUED_ORDER, asked.unvalued
    if asked.budget is None:
        return DenyCode.NO_BUDGET, _amounts(asked, _ZERO)
    left = asked.budget.available
    available = left + asked.hold_amount
    if increases and available < asked.required:
        return DenyCode.BUDGET_OVER if left < 0 else DenyCode.BUDGET_EXCEEDED, _amounts(asked, available)
    return None, ""


def _amounts(asked: Question, available: Decimal) -> str:
    return f"available={available:f} {asked.currency}, required={asked.required:f} {asked.currency}"


def _subject(asked: Question, state: TradingState) -> str:
    return "all trading" if asked.global_state is state else asked.strategy_name
