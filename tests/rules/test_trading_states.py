"""Of two trading states the stricter one decides, and never lets through what either forbids."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.authorization import Question, decide
from app.rules.budgets import BudgetState
from app.rules.enums import TradingState, stricter

ACTIVE, REDUCING, HALTED = TradingState
STATES = st.sampled_from(TradingState)


def question(own: TradingState, everywhere: TradingState, increasing: int) -> Question:
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
        global_state=everywhere,
    )


@given(STATES, STATES, STATES)
def test_the_stricter_state_is_one_of_both_whichever_comes_first(
    one: TradingState, other: TradingState, third: TradingState
) -> None:
    assert stricter(one, other) is stricter(other, one)
    assert stricter(one, one) is one
    assert stricter(one, ACTIVE) is one
    assert stricter(one, HALTED) is HALTED
    assert stricter(stricter(one, other), third) is stricter(one, stricter(other, third))


@given(STATES, STATES, st.integers(0, 1))
def test_both_states_together_decide_as_the_stricter_one_alone(
    own: TradingState, everywhere: TradingState, increasing: int
) -> None:
    together = decide(question(own, everywhere, increasing))
    alone = decide(question(stricter(own, everywhere), ACTIVE, increasing))
    assert (together and together.code) == (alone and alone.code)


@pytest.mark.parametrize(
    ("own", "everywhere", "reason"),
    [
        (HALTED, ACTIVE, "TRADING_HALTED: EMACross-000 is HALTED, quantity=1"),
        (HALTED, REDUCING, "TRADING_HALTED: EMACross-000 is HALTED, quantity=1"),
        (ACTIVE, HALTED, "TRADING_HALTED: all trading is HALTED, quantity=1"),
        (HALTED, HALTED, "TRADING_HALTED: all trading is HALTED, quantity=1"),
        (REDUCING, ACTIVE, "TRADING_REDUCING: EMACross-000 may only reduce positions, increasing=1, quantity=1"),
        (ACTIVE, REDUCING, "TRADING_REDUCING: all trading may only reduce positions, increasing=1, quantity=1"),
    ],
)
def test_the_reason_names_the_state_that_forbids_it(own: TradingState, everywhere: TradingState, reason: str) -> None:
    denial = decide(question(own, everywhere, 1))
    assert denial is not None
    assert denial.reason == reason
