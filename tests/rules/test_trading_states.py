"""The stricter of two trading states decides, and allows nothing that either forbids."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.authorization import Question, decide
from app.rules.budgets import BudgetState
from app.rules.enums import TradingState, stricter

ACTIVE, REDUCING, HALTED = TradingState
STATES = st.sampled_from(TradingState)


def question_with(own: TradingState, global_state: TradingState, increasing: int) -> Question:
    return Question(
        strategy_name="EMACross-000",
        trading_state=own,
        instrument_id="BTCUSDT.BINANCE",
        quantity=Decimal(1),
        increasing_qty=Decimal(increasing),
        unit_price=Decimal(10),
        required=Decimal(10 * increasing),
        currency="USDT",
        budget=BudgetState(allocated=Decimal(100)),
        global_state=global_state,
    )


@given(STATES, STATES, STATES)
def test_stricter_is_commutative_and_associative(one: TradingState, other: TradingState, third: TradingState) -> None:
    assert stricter(one, other) is stricter(other, one)
    assert stricter(one, one) is one
    assert stricter(one, ACTIVE) is one
    assert stricter(one, HALTED) is HALTED
    assert stricter(stricter(one, other), third) is stricter(one, stricter(other, third))


@given(STATES, STATES, st.integers(0, 1))
def test_own_and_global_state_decide_like_the_stricter_one(
    own: TradingState, global_state: TradingState, increasing: int
) -> None:
    together = decide(question_with(own, global_state, increasing))
    alone = decide(question_with(stricter(own, global_state), ACTIVE, increasing))
    assert (together and together.code) == (alone and alone.code)


@pytest.mark.parametrize(
    ("own", "global_state", "reason"),
    [
        (HALTED, ACTIVE, "TRADING_HALTED: EMACross-000 is HALTED, quantity=1"),
        (HALTED, REDUCING, "TRADING_HALTED: EMACross-000 is HALTED, quantity=1"),
        (ACTIVE, HALTED, "TRADING_HALTED: all trading is HALTED, quantity=1"),
        (HALTED, HALTED, "TRADING_HALTED: all trading is HALTED, quantity=1"),
        (REDUCING, ACTIVE, "TRADING_REDUCING: EMACross-000 may only reduce positions, increasing=1, quantity=1"),
        (ACTIVE, REDUCING, "TRADING_REDUCING: all trading may only reduce positions, increasing=1, quantity=1"),
    ],
)
def test_the_deny_reason_names_the_deciding_state(own: TradingState, global_state: TradingState, reason: str) -> None:
    denial = decide(question_with(own, global_state, 1))
    assert denial is not None
    assert denial.reason == reason
