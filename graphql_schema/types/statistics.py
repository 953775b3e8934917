"""What is added up: summaries and performance. Their fields' Python names are their names in the catalogue."""

from uuid import UUID

import strawberry

from app.rules.enums import OrderSide, Valuation
from graphql_schema.types.fields import described
from graphql_schema.types.scalars import Amount, Instant


@strawberry.type(description="How much of everything there is.")
class Summary:
    """How much of everything there is."""

    signals: int = described("How many signals were published.")
    orders: int = described("How many orders there are.")
    fills: int = described("How many fills there are.")
    instruments: int = described("How many instruments are recorded or were traded.")
    discrepancies: int = described("In how many figures the engine's reports of positions differ from the ledger.")


@strawberry.type(
    description="What fills of one group add up to. Columns that the groups are not made by are null. Amounts of "
    "several currencies are added up as they are: group or filter by currency where that matters."
)
class FillSummaryGroup:
    """What fills of one group add up to."""

    strategy_id: UUID | None = described("The strategy, where it makes the group.")
    instrument_id: str | None = described("The instrument, where it makes the group.")
    side: OrderSide | None = described("The side, where it makes the group.")
    currency: str | None = described("The currency, where it makes the group.")
    day: Instant | None = described("The beginning of the day in UTC, where it makes the group.")
    fills: int = described("How many; 0 where the group has only commissions of fills in another currency.")
    quantity: Amount = described("Σ quantity.")
    notional: Amount = described("Σ notional value, by the instruments' terms, in their settlement currencies.")
    realized_pnl: Amount = described("Σ realized profit, gross of commissions.")
    total_fees: Amount = described("Σ commissions, each under the currency it was paid in.")
    valuation: Valuation = described("`RECORDED` where the terms of every instrument in it are, else `ASSUMED`.")


@strawberry.type(description="What fills add up to.")
class FillSummary:
    """What fills add up to."""

    total_fills: int = described("How many.")
    buy_fills: int = described("How many bought.")
    sell_fills: int = described("How many sold.")
    first_ts: Instant | None = described("When the first happened; null where there is none.")
    last_ts: Instant | None = described("When the last happened; null where there is none.")
    valuation: Valuation | None = described(
        "`RECORDED` where the terms of every instrument in it are, else `ASSUMED`; null where there are no fills."
    )
    groups: list[FillSummaryGroup] = described(
        "The groups that there are, in the order of what makes them; without `groupBy` one group of everything."
    )


@strawberry.type(description="One point of an equity curve: a fill, or a bar with at least one fill.")
class EquityPoint:
    """One point of an equity curve."""

    ts: Instant = described("When the bar begins; of a fill, when it happened.")
    net_pnl: Amount = described("Realized in the bar, or by the fill, commissions paid.")
    cumulative_net_pnl: Amount = described("Realized since the span began, until the end of the bar, or with the fill.")
    drawdown: Amount = described(
        "How far that is below its highest until then, after whichever fill that was, or below zero; never negative."
    )
    max_drawdown: Amount = described(
        "The largest drawdown after any fill of the bar; of a fill, its `drawdown`. Never negative."
    )


@strawberry.type(
    description="What fills and trades of one group made in one currency. A trade is a closed position, and counts "
    "when it closes; it is worth `realizedPnl - totalFees`, wins above zero and loses below. A commission belongs to "
    "the currency it was paid in."
)
class Performance:
    """What fills and trades of one group made in one currency."""

    currency: str = described("The currency of all amounts here.")
    strategy_id: UUID | None = described("The strategy, where strategies make groups.")
    strategy_name: str | None = described("The strategy's name, where strategies make groups.")
    instrument_id: str | None = described("The instrument, where instruments make groups.")
    trades: int = described("How many positions were closed.")
    winning_trades: int = described("How many of the trades won.")
    losing_trades: int = described("How many of the trades lost.")
    win_rate: float | None = described("The part of the trades that won, from 0 to 1; null where there was no trade.")
    profit_factor: float | None = described(
        "What winners made for each unit that losers lost; null where nothing was lost."
    )
    expectancy: Amount | None = described(
        "What a trade was worth on average, to 18 places; null where there was no trade."
    )
    average_win: Amount | None = described("What a winner was worth on average, to 18 places; null where none won.")
    average_loss: Amount | None = described(
        "What a loser was worth on average, to 18 places: negative; null where none lost."
    )
    largest_win: Amount | None = described("What the best winner was worth; null where none won.")
    largest_loss: Amount | None = described("What the worst loser was worth: negative; null where none lost.")
    longest_winning_run: int = described(
        "The most winners in a row, in the order of closing; a trade worth zero ends a run."
    )
    longest_losing_run: int = described(
        "The most losers in a row, in the order of closing; a trade worth zero ends a run."
    )
    sharpe_ratio: float | None = described(
        "The mean of the daily net PnL by its sample standard deviation, times the square root of `annualizationDays`, "
        "to 12 places. Days are those of the time zone; days without fills count as zero, between the first and the "
        "last day with one. Null for less than two days, and where all days are alike."
    )
    sortino_ratio: float | None = described(
        "As `sharpeRatio`, by the downside deviation instead: the root of the mean, over all days, of the squares of "
        "the days that lost. Null for less than two days, and where no day lost."
    )
    max_drawdown: Amount | None = described(
        "The deepest drawdown: how far the net PnL fell below its highest until then, or below the zero that the span "
        "begins with, after any fill, whatever the granularity."
    )
    max_drawdown_start: Instant | None = described(
        "When the deepest drawdown began: the last fill at the peak before it. Where the peak is the zero that the "
        "span begins with, the first fill. Null where nothing was lost."
    )
    max_drawdown_trough: Instant | None = described(
        "When the deepest drawdown was reached: the first fill that deep. Null where nothing was lost."
    )
    max_drawdown_end: Instant | None = described(
        "When the peak was reached again; null where it was not yet, and where nothing was lost."
    )
    gross_pnl: Amount = described("Realized by all fills, commissions not paid.")
    total_fees: Amount = described("The commissions paid in this currency.")
    net_pnl: Amount = described("`grossPnl - totalFees`.")
    valuation: Valuation = described("`RECORDED` where the terms of every instrument in it are, else `ASSUMED`.")
    equity_count: int = described("How many points the equity curve has before it is thinned out.")
    equity: list[EquityPoint] = described(
        "The equity curve, in the order of time. Where it has more points than `points`, the span of its fills is cut "
        "into equal stretches of time; shown are the lowest and the highest point of each, the first point, the last "
        "and the one with the deepest trough. Points are left out, never changed. With `points` below 5, the first of: "
        "first, last, deepest trough, highest."
    )
