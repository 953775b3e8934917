"""Value and PnL of each kind of instrument by NautilusTrader's formulas, with figures calculated by hand.

Notional is quantity x multiplier x price; for an inverse instrument it is quantity x multiplier / price
(`Instrument.notional_value`). PnL is quantity x multiplier x points; the points of an inverse long position are 1 /
open - 1 / close (`Position.calculate_pnl`). Its currency is `Instrument.get_cost_currency`.
"""

from decimal import Decimal, localcontext

import pytest

from app.rules.enums import OrderSide
from app.rules.money import EXACT
from app.rules.positions import FillEffect, PositionFill, PositionState, apply_fill
from app.rules.valuation import Valuation

LINEAR = Valuation("USDT", base_currency="BTC")
# ETH quoted in USD and settled in BTC: one point of one contract is 0.000001 BTC.
QUANTO = Valuation("BTC", Decimal("0.000001"), base_currency="ETH")
INVERSE = Valuation("BTC", Decimal(1), is_inverse=True, base_currency="BTC")
INVERSE_HUNDRED = Valuation("BTC", Decimal(100), is_inverse=True, base_currency="BTC")
FUTURE = Valuation("USD", Decimal(50))
OPTION = Valuation("USD", Decimal(100))
RUNS = [
    # 0.5 x 40,000; 0.5 x (41,000 - 40,000)
    pytest.param(LINEAR, "BUY", "0.5", "40000", "41000", "20000", "500", id="linear long"),
    pytest.param(LINEAR, "SELL", "0.5", "40000", "41000", "20000", "-500", id="linear short"),
    # 200 x 0.000001 x 2,500; 200 x 0.000001 x (2,600 - 2,500)
    pytest.param(QUANTO, "BUY", "200", "2500", "2600", "0.5", "0.02", id="quanto long"),
    pytest.param(QUANTO, "SELL", "200", "2500", "2600", "0.5", "-0.02", id="quanto short"),
    # 10,000 / 40,000; 10,000 x (1 / 40,000 - 1 / 50,000)
    pytest.param(INVERSE, "BUY", "10000", "40000", "50000", "0.25", "0.05", id="inverse long"),
    pytest.param(INVERSE, "SELL", "10000", "40000", "50000", "0.25", "-0.05", id="inverse short"),
    # 20 x 100 / 40,000; 20 x 100 x (1 / 40,000 - 1 / 50,000)
    pytest.param(INVERSE_HUNDRED, "BUY", "20", "40000", "50000", "0.05", "0.01", id="inverse with multiplier"),
    # 3 x 50 x 4,800.25; 3 x 50 x (4,810.75 - 4,800.25)
    pytest.param(FUTURE, "BUY", "3", "4800.25", "4810.75", "720037.5", "1575", id="future long"),
    pytest.param(FUTURE, "SELL", "3", "4800.25", "4810.75", "720037.5", "-1575", id="future short"),
    # The price is the premium. 2 x 100 x 4.35; 2 x 100 x (5.10 - 4.35); an option that expires worthless loses
    # all of it.
    pytest.param(OPTION, "BUY", "2", "4.35", "5.10", "870", "150", id="option bought"),
    pytest.param(OPTION, "SELL", "2", "4.35", "5.10", "870", "-150", id="option written"),
    pytest.param(OPTION, "BUY", "2", "4.35", "0", "870", "-870", id="option expired"),
]


def effects_of(valuation: Valuation, *trades: tuple[str, str, str]) -> list[FillEffect]:
    """The effects of fills (side, quantity, price) on one position, in order."""
    effects: list[FillEffect] = []
    current: PositionState | None = None
    with localcontext(EXACT):
        for side, quantity, price in trades:
            fill = PositionFill(OrderSide(side), Decimal(quantity), Decimal(price), Decimal(0), "USD", "USD", 0)
            effects.append(apply_fill(current, fill, valuation))
            current = effects[-1].flipped_into or effects[-1].position
    return effects


def opposite(side: str) -> str:
    return "SELL" if side == "BUY" else "BUY"


@pytest.mark.parametrize(("valuation", "side", "quantity", "opened_at", "closed_at", "value", "pnl"), RUNS)
def test_cost_and_pnl_of_a_position_equal_those_of_the_engine(
    valuation: Valuation, side: str, quantity: str, opened_at: str, closed_at: str, value: str, pnl: str
) -> None:
    with localcontext(EXACT):
        assert valuation.notional(Decimal(quantity), Decimal(opened_at)) == Decimal(value)
    [opened] = effects_of(valuation, (side, quantity, opened_at))
    assert (opened.position.cost, opened.position.currency) == (Decimal(value), valuation.currency)
    _, closed = effects_of(valuation, (side, quantity, opened_at), (opposite(side), quantity, closed_at))
    assert closed.realized_pnl == closed.position.realized_pnl == Decimal(pnl)
    assert (closed.position.cost, closed.position.avg_px_close) == (0, Decimal(closed_at))


@pytest.mark.parametrize(
    ("valuation", "average", "cost", "realized", "left"),
    [
        # 10 at 100 and 30 at 120 are 40 at 115; 16 of them are closed at 125.
        pytest.param(Valuation("USD"), "115", "4600", "160", "2760", id="linear"),
        pytest.param(FUTURE, "115", "230000", "8000", "138000", id="future"),
        pytest.param(QUANTO, "115", "0.0046", "0.00016", "0.00276", id="quanto"),
    ],
)
def test_a_partial_close_realizes_pnl_against_the_average_price(
    valuation: Valuation, average: str, cost: str, realized: str, left: str
) -> None:
    built = effects_of(valuation, ("BUY", "10", "100"), ("BUY", "30", "120"))
    assert (built[-1].position.avg_px_open, built[-1].position.cost) == (Decimal(average), Decimal(cost))
    reduced = effects_of(valuation, ("BUY", "10", "100"), ("BUY", "30", "120"), ("SELL", "16", "125"))[-1]
    assert (reduced.realized_pnl, reduced.position.cost) == (Decimal(realized), Decimal(left))


def test_a_partial_close_of_an_inverse_position_uses_the_arithmetic_mean() -> None:
    """3,000 at 20,000 and 1,000 at 60,000 are 4,000 at 30,000, not at 22,500, the average by cost in coins."""
    built = effects_of(INVERSE, ("BUY", "3000", "20000"), ("BUY", "1000", "60000"))[-1].position
    with localcontext(EXACT):
        assert (built.avg_px_open, built.cost) == (30_000, INVERSE.notional(Decimal(4000), Decimal(30_000)))
    part = effects_of(INVERSE, ("BUY", "3000", "20000"), ("BUY", "1000", "60000"), ("SELL", "1000", "50000"))[-1]
    # 1,000 x (1 / 30,000 - 1 / 50,000) = 0.01333...; 3,000 / 30,000 remain.
    assert abs(part.realized_pnl - Decimal("0.01333333333333333333")) < Decimal("1e-17")
    assert part.position.cost == Decimal("0.1")


@pytest.mark.parametrize(
    ("valuation", "realized", "cost"),
    [
        # 2 are bought at 100; selling 5 at 110 closes them and opens a short position of 3 at 110.
        pytest.param(Valuation("USD"), "20", "330", id="linear"),
        pytest.param(FUTURE, "1000", "16500", id="future"),
        pytest.param(QUANTO, "0.00002", "0.00033", id="quanto"),
    ],
)
def test_a_flip_realizes_the_closed_part_and_costs_the_opened_part(
    valuation: Valuation, realized: str, cost: str
) -> None:
    flip = effects_of(valuation, ("BUY", "2", "100"), ("SELL", "5", "110"))[-1]
    assert flip.flipped_into is not None
    assert (flip.realized_pnl, flip.flip_qty) == (Decimal(realized), 3)
    assert (flip.flipped_into.signed_qty, flip.flipped_into.cost) == (-3, Decimal(cost))
