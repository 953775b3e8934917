from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.enums import TRADED_SIDES, OrderSide, PositionSide, PositionStatus
from app.rules.money import EXACT
from app.rules.positions import FillEffect, PositionFill, PositionState, apply_fill, rest_of, trade_seq_of
from app.rules.valuation import Valuation

ONE = Decimal(1)

quantities = st.decimals(min_value=Decimal("0.001"), max_value=Decimal("100"), places=3)
prices = st.decimals(min_value=Decimal("-50"), max_value=Decimal("50000"), places=2)
commissions = st.decimals(min_value=Decimal("-1"), max_value=Decimal("10"), places=8)
fills = st.builds(
    PositionFill,
    side=st.sampled_from(TRADED_SIDES),
    last_qty=quantities,
    last_px=prices,
    commission=commissions,
    commission_currency=st.just("USDT"),
    currency=st.just("USDT"),
    ts_event=st.integers(0, 10**18),
)
multipliers = st.sampled_from([ONE, Decimal("0.1"), Decimal(50), Decimal("0.00001")])


def fill(side: str, qty: str, px: str, fee: str = "0", fee_currency: str = "USDT", ts: int = 0) -> PositionFill:
    return PositionFill(OrderSide(side), Decimal(qty), Decimal(px), Decimal(fee), fee_currency, "USDT", ts)


def linear_valuation(multiplier: Decimal = ONE) -> Valuation:
    return Valuation("USDT", multiplier)


def replay(
    history: list[PositionFill], valuation: Valuation | None = None, *, deducts_base_fees: bool = False
) -> list[FillEffect]:
    effects: list[FillEffect] = []
    current: PositionState | None = None
    with localcontext(EXACT):
        for each in history:
            terms = valuation or linear_valuation()
            effects.append(apply_fill(current, each, terms, deducts_base_fees=deducts_base_fees))
            current = effects[-1].flipped_into or effects[-1].position
    return effects


def records_of(effects: list[FillEffect]) -> list[PositionState]:
    records: dict[int, PositionState] = {}
    for effect in effects:
        records[effect.position.n] = effect.position
        if effect.flipped_into is not None:
            records[effect.flipped_into.n] = effect.flipped_into
    return list(records.values())


def test_added_fills_average_the_opening_price() -> None:
    [record] = records_of(replay([fill("BUY", "1", "100"), fill("BUY", "3", "200")]))
    assert (record.signed_qty, record.avg_px_open, record.cost, record.peak_qty) == (4, 175, 700, 4)
    assert (record.side, record.status) == (PositionSide.LONG, PositionStatus.OPEN)


def test_a_reduction_realizes_pnl_against_the_average_price() -> None:
    effects = replay([fill("SELL", "2", "100"), fill("SELL", "2", "110"), fill("BUY", "1", "90")])
    assert [effect.realized_pnl for effect in effects] == [0, 0, 15]
    assert effects[-1].position.signed_qty == -3
    assert effects[-1].position.avg_px_open == 105


def test_a_fill_larger_than_the_position_flips_it() -> None:
    effects = replay([fill("BUY", "1", "100"), fill("SELL", "3", "110", fee="0.03", ts=7)])
    closed, opened = records_of(effects)
    assert (closed.n, closed.realized_pnl, closed.side, closed.ts_closed) == (1, 10, PositionSide.FLAT, 7)
    assert (opened.n, opened.signed_qty, opened.avg_px_open, opened.ts_opened) == (2, -2, 110, 7)
    assert (closed.total_fees, opened.total_fees) == (Decimal("0.01"), Decimal("0.02"))


def test_a_reopened_position_is_a_new_record() -> None:
    first, second = records_of(replay([fill("BUY", "1", "1"), fill("SELL", "1", "2"), fill("BUY", "1", "3")]))
    assert (first.n, first.status, second.n, second.status) == (1, PositionStatus.CLOSED, 2, PositionStatus.OPEN)


def test_a_commission_in_another_currency_is_not_added_to_the_positions_fees() -> None:
    [record] = records_of(
        replay([fill("BUY", "1", "100", fee="0.001", fee_currency="BNB"), fill("BUY", "1", "1", fee="2")])
    )
    assert record.total_fees == 2


def test_closing_in_thirds_leaves_no_remainder() -> None:
    history = [fill("BUY", "1", "10"), fill("BUY", "2", "10.1"), *[fill("SELL", "1", "10")] * 3]
    [record] = records_of(replay(history))
    assert record.realized_pnl == Decimal("-0.2")
    assert str(record.realized_pnl) == "-0.2"


@given(st.lists(fills, max_size=30), multipliers)
def test_realized_pnl_equals_cash_received_minus_cash_paid(history: list[PositionFill], multiplier: Decimal) -> None:
    effects = replay(history, linear_valuation(multiplier))
    with localcontext(EXACT):
        cash = sum(
            (
                each.last_qty * each.last_px * multiplier * (1 if each.side is OrderSide.SELL else -1)
                for each in history
            ),
            Decimal(0),
        )
        realized = sum((effect.realized_pnl for effect in effects), Decimal(0))
        reserved = sum(
            (
                record.cost if record.signed_qty > 0 else -record.cost
                for record in records_of(effects)
                if record.signed_qty
            ),
            Decimal(0),
        )
        assert realized == cash + reserved


@given(st.lists(fills, max_size=30), multipliers)
def test_pnl_agrees_with_a_replay_in_fractions(history: list[PositionFill], multiplier: Decimal) -> None:
    quantity, average = Fraction(0), Fraction(0)
    current: PositionState | None = None
    for each in history:
        with localcontext(EXACT):
            effect = apply_fill(current, each, linear_valuation(multiplier))
        current = effect.flipped_into or effect.position
        qty, px = Fraction(each.last_qty), Fraction(each.last_px)
        signed = qty if each.side is OrderSide.BUY else -qty
        realized = Fraction(0)
        if quantity * signed >= 0:
            average = (average * abs(quantity) + px * qty) / (abs(quantity) + qty)
        else:
            realized = (px - average) * min(qty, abs(quantity)) * (1 if quantity > 0 else -1) * Fraction(multiplier)
            average = px if qty > abs(quantity) else average
        quantity += signed
        assert Fraction(current.signed_qty) == quantity
        assert abs(Fraction(effect.realized_pnl) - realized) < Fraction(1, 10**12)
        if quantity:
            assert abs(Fraction(current.avg_px_open) - average) < Fraction(1, 10**6)


@given(st.lists(fills, max_size=30))
def test_no_commission_is_lost_or_counted_twice(history: list[PositionFill]) -> None:
    with localcontext(EXACT):
        paid = sum((each.commission for each in history), Decimal(0))
        assert sum((record.total_fees for record in records_of(replay(history))), Decimal(0)) == paid


@given(st.lists(fills, max_size=30))
def test_position_records_are_numbered_without_gaps_and_only_the_last_is_open(history: list[PositionFill]) -> None:
    records = records_of(replay(history))
    assert [record.n for record in records] == list(range(1, len(records) + 1))
    assert all(record.status is PositionStatus.CLOSED for record in records[:-1])
    assert all(record.cost == 0 and record.ts_closed is not None for record in records[:-1])


@pytest.mark.parametrize(
    ("trade_id", "seq"),
    [
        ("BINANCE-1-003", 3),
        ("1234567890", 1234567890),
        ("T2", 0),
        ("no-number", 0),
        ("3f2b1a90-1c2d-4e5f-8a9b-123456789012", 0),
        ("X-99999999999999999999", 0),
    ],
)
def test_the_venue_sequence_is_read_from_a_trade_id(trade_id: str, seq: int) -> None:
    assert trade_seq_of(trade_id) == seq


INVERSE = Valuation("BTC", ONE, True, "BTC")
BASE_FEES = Valuation("USDT", ONE, False, "BTC")


def test_the_cost_of_an_inverse_position_is_its_quantity_over_the_price() -> None:
    effects = replay([fill("BUY", "1000", "10000"), fill("SELL", "600", "12500")], INVERSE)
    position = effects[-1].position
    assert (effects[-1].realized_pnl, position.currency) == (Decimal("0.012"), "BTC")
    assert (position.signed_qty, position.cost, position.avg_px_open) == (400, Decimal("0.04"), 10000)
    assert position.avg_px_close == 12500


def test_a_short_inverse_position_gains_as_the_price_falls() -> None:
    effects = replay([fill("SELL", "1000", "10000"), fill("BUY", "1000", "8000")], INVERSE)
    assert effects[-1].realized_pnl == Decimal("0.025")
    assert effects[-1].position.cost == 0


positive_fills = st.builds(
    PositionFill,
    side=st.sampled_from(TRADED_SIDES),
    last_qty=quantities,
    last_px=st.decimals(min_value=Decimal("0.01"), max_value=Decimal("50000"), places=2),
    commission=commissions,
    commission_currency=st.sampled_from(["BTC", "USD"]),
    currency=st.just("USD"),
    ts_event=st.integers(0, 10**18),
)


@given(st.lists(positive_fills, max_size=30), multipliers)
def test_inverse_pnl_agrees_with_the_engine_formula_in_fractions(
    history: list[PositionFill], multiplier: Decimal
) -> None:
    quantity, average = Fraction(0), Fraction(0)
    current: PositionState | None = None
    valuation = Valuation("BTC", multiplier, True, "BTC")
    for each in history:
        with localcontext(EXACT):
            effect = apply_fill(current, each, valuation)
        current = effect.flipped_into or effect.position
        qty, px = Fraction(each.last_qty), Fraction(each.last_px)
        signed = qty if each.side is OrderSide.BUY else -qty
        realized = Fraction(0)
        if quantity * signed >= 0:
            average = (average * abs(quantity) + px * qty) / (abs(quantity) + qty)
        else:
            points = (1 / average - 1 / px) * (1 if quantity > 0 else -1)
            realized = points * min(qty, abs(quantity)) * Fraction(multiplier)
            average = px if qty > abs(quantity) else average
        quantity += signed
        assert Fraction(current.signed_qty) == quantity
        assert abs(Fraction(effect.realized_pnl) - realized) < Fraction(1, 10**9)
        if quantity:
            assert abs(Fraction(current.cost) - abs(quantity) * Fraction(multiplier) / average) < Fraction(1, 10**9)


def test_a_commission_in_the_base_currency_reduces_the_position_if_the_engine_deducts_it() -> None:
    history = [fill("BUY", "0.201324", "36011.95", fee="0.00020132", fee_currency="BTC")]
    [kept] = records_of(replay(history, BASE_FEES))
    [deducted] = records_of(replay(history, BASE_FEES, deducts_base_fees=True))
    assert (kept.signed_qty, kept.peak_qty) == (Decimal("0.201324"), Decimal("0.201324"))
    assert (deducted.signed_qty, deducted.peak_qty) == (Decimal("0.201123"), Decimal("0.201123"))
    assert deducted.avg_px_open == Decimal("36011.95")
    assert deducted.cost == Decimal("0.201123") * Decimal("36011.95")


def test_selling_the_bought_quantity_flips_a_position_reduced_by_a_fee() -> None:
    history = [
        fill("BUY", "1.000", "100", fee="0.001", fee_currency="BTC"),
        fill("SELL", "1.000", "110", fee="0.11", fee_currency="USDT"),
    ]
    closed, opened = records_of(replay(history, BASE_FEES, deducts_base_fees=True))
    assert (closed.realized_pnl, opened.signed_qty) == (Decimal("9.99"), Decimal("-0.001"))


def test_a_fee_in_a_third_currency_does_not_reduce_the_position() -> None:
    [record] = records_of(
        replay([fill("BUY", "1.0", "100", fee="0.1", fee_currency="BNB")], BASE_FEES, deducts_base_fees=True)
    )
    assert record.signed_qty == 1


@pytest.mark.parametrize("deducts", [False, True])
@pytest.mark.parametrize("digits", ["3", "3.000"])
def test_the_rest_of_a_flip_can_be_recomputed(digits: str, deducts: bool) -> None:
    flip = fill("BUY", digits, "110", fee="0.00300", fee_currency="BTC")
    effects = replay([fill("SELL", "1.0", "100"), flip], BASE_FEES, deducts_base_fees=deducts)
    assert effects[-1].flip_qty == 2
    with localcontext(EXACT):
        again = rest_of(2, flip, effects[-1].flip_qty, BASE_FEES, deducts_base_fees=deducts)
    assert again == effects[-1].flipped_into


def test_a_fee_in_the_base_currency_does_not_reduce_an_inverse_position() -> None:
    history = [fill("BUY", "1000", "10000", fee="0.6", fee_currency="BTC")]
    [record] = records_of(replay(history, INVERSE, deducts_base_fees=True))
    assert (record.signed_qty, record.total_fees) == (1000, Decimal("0.6"))
