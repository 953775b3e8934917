"""Summaries and performance. Their fields' Python names are their names in the catalogue."""

from uuid import UUID

from app.rules.enums import OrderSide, Valuation
from graphql_schema.types.fields import described, object_type
from graphql_schema.types.scalars import Amount, Instant


@object_type
class Summary:
    """Counts over the whole ledger."""

    signals: int = described("The number of signals.")
    orders: int = described("The number of orders.")
    fills: int = described("The number of fills.")
    instruments: int = described("The number of instruments that were recorded or traded.")
    discrepancies: int = described(
        "The number of figures that differ between the engine's reports of positions and the ledger."
    )


@object_type
class FillSummaryGroup:
    """Totals over the fills of one group. Dimensions that were not grouped by are null. Amounts in several currencies
    are added as they are: group or filter by currency to keep them apart.
    """

    strategy_id: UUID | None = described("The strategy's id, if grouped by strategy.")
    instrument_id: str | None = described("The instrument's id, if grouped by instrument.")
    side: OrderSide | None = described("The order side, if grouped by side.")
    currency: str | None = described("The currency, if grouped by currency.")
    day: Instant | None = described("The start of the day in UTC, if grouped by day.")
    fills: int = described("The number of fills; 0 if the group has only commissions of fills in another currency.")
    quantity: Amount = described("The total quantity.")
    notional: Amount = described("The total notional value, in the instruments' settlement currencies.")
    realized_pnl: Amount = described("The total realized PnL, gross of commissions.")
    total_fees: Amount = described("The total commissions, each in the currency it was paid in.")
    valuation: Valuation = described(
        "`RECORDED` if the terms of every instrument involved are recorded, else `ASSUMED`."
    )


@object_type
class FillSummary:
    """Totals over fills."""

    total_fills: int = described("The number of fills.")
    buy_fills: int = described("The number of fills on the buy side.")
    sell_fills: int = described("The number of fills on the sell side.")
    first_ts: Instant | None = described("The instant of the first fill; null without fills.")
    last_ts: Instant | None = described("The instant of the last fill; null without fills.")
    valuation: Valuation | None = described(
        "`RECORDED` if the terms of every instrument involved are recorded, else `ASSUMED`; null without fills."
    )
    groups: list[FillSummaryGroup] = described(
        "One entry for each group, ordered by the dimensions of `groupBy`; without `groupBy`, one entry for everything."
    )


@object_type
class EquityPoint:
    """One point of an equity curve: a fill, or a bar with at least one fill."""

    ts: Instant = described("The start of the bar; for a fill, the instant of the fill.")
    net_pnl: Amount = described("The PnL realized by the bar or fill, net of commissions.")
    cumulative_net_pnl: Amount = described(
        "The PnL realized from the start of the span to the end of the bar or fill, net of commissions."
    )
    drawdown: Amount = described(
        "How far `cumulativeNetPnl` is below its highest value after any earlier fill, or below zero. Never negative."
    )
    max_drawdown: Amount = described(
        "The largest drawdown after any fill of the bar; for a fill, equal to `drawdown`. Never negative."
    )


@object_type
class Performance:
    """The performance of one group in one currency. A trade is a closed position; it counts when the position closes,
    and its result is `realizedPnl - totalFees`. A commission counts in the currency it was paid in.
    """

    currency: str = described("The currency of all amounts.")
    strategy_id: UUID | None = described("The strategy's id, if grouped by strategy.")
    strategy_name: str | None = described("The strategy's name, if grouped by strategy.")
    instrument_id: str | None = described("The instrument's id, if grouped by instrument.")
    trades: int = described("The number of closed positions.")
    winning_trades: int = described("The number of trades with a result above zero.")
    losing_trades: int = described("The number of trades with a result below zero.")
    win_rate: float | None = described("The share of winning trades, from 0 to 1; null without trades.")
    profit_factor: float | None = described("Total wins divided by total losses; null without losses.")
    expectancy: Amount | None = described("The average result of a trade, rounded to 18 places; null without trades.")
    average_win: Amount | None = described(
        "The average result of a winning trade, rounded to 18 places; null without one."
    )
    average_loss: Amount | None = described(
        "The average result of a losing trade, rounded to 18 places, negative; null without one."
    )
    largest_win: Amount | None = described("The result of the best winning trade; null without one.")
    largest_loss: Amount | None = described("The result of the worst losing trade, negative; null without one.")
    longest_winning_run: int = described(
        "The largest number of consecutive winning trades, ordered by closing; a trade with result zero ends a run."
    )
    longest_losing_run: int = described(
        "The largest number of consecutive losing trades, ordered by closing; a trade with result zero ends a run."
    )
    sharpe_ratio: float | None = described(
        "The mean daily net PnL divided by its sample standard deviation, times the square root of "
        "`annualizationDays`, rounded to 12 places. Days follow the time zone; days without fills "
        "between the first and last fill count as zero. Null for fewer than two days or if all days are "
        "equal."
    )
    sortino_ratio: float | None = described(
        "Like `sharpeRatio`, divided by the downside deviation instead: the square root of the mean, "
        "over all days, of the squared losses of losing days. Null for fewer than two days or without a "
        "losing day."
    )
    max_drawdown: Amount | None = described(
        "The deepest drawdown: how far the cumulative net PnL fell below its highest earlier value, or "
        "below zero, after any fill; independent of the granularity."
    )
    max_drawdown_start: Instant | None = described(
        "When the deepest drawdown began: the last fill at the peak before it, or the first fill if the "
        "peak is the zero at the start of the span. Null without a drawdown."
    )
    max_drawdown_trough: Instant | None = described(
        "When the deepest drawdown was reached: the first fill at that depth. Null without a drawdown."
    )
    max_drawdown_end: Instant | None = described(
        "When the peak was reached again; null if it was not, or without a drawdown."
    )
    gross_pnl: Amount = described("The PnL realized by all fills, gross of commissions.")
    total_fees: Amount = described("The commissions paid in this currency.")
    net_pnl: Amount = described("`grossPnl - totalFees`.")
    valuation: Valuation = described(
        "`RECORDED` if the terms of every instrument involved are recorded, else `ASSUMED`."
    )
    equity_count: int = described("The number of points of the equity curve before downsampling.")
    equity: list[EquityPoint] = described(
        "The equity curve in chronological order. If it has more points than `points`, it is "
        "downsampled: of each equal stretch of time the lowest and the highest point are kept, and "
        "always the first, the last and the point with the deepest trough. Points are left out, never "
        "changed. If `points` is below 5, the first of: first, last, deepest trough, highest."
    )
