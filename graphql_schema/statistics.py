"""What is added up: summaries and performance. Their fields' Python names are their names in the catalogue."""

from uuid import UUID

import strawberry

from app.rules.enums import OrderSide, Valuation
from graphql_schema.described import described
from graphql_schema.scalars import Amount, Instant


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


@strawberry.type(description="One point of an equity curve: what was made in one bucket, and until its end.")
class EquityPoint:
    """One point of an equity curve."""

    ts: Instant = described("When the bucket begins. Buckets without fills are left out.")
    net_pnl: Amount = described("Realized in the bucket, commissions paid.")
    cumulative_net_pnl: Amount = described("Realized since the span began, until the end of the bucket.")
    drawdown: Amount = described("How far that is below its highest until then, or below zero; never negative.")


@strawberry.type(
    description="What a strategy made in one currency. A trade is a closed position, and counts when it closes; it is "
    "worth `realizedPnl - totalFees`, wins above zero and loses below."
)
class Performance:
    """What a strategy made in one currency."""

    currency: str = described("The currency of all amounts here.")
    trades: int = described("How many positions were closed.")
    win_rate: float | None = described("The part of the trades that won, from 0 to 1; null where there was no trade.")
    profit_factor: float | None = described(
        "What winners made for each unit that losers lost; null where nothing was lost."
    )
    expectancy: Amount | None = described(
        "What a trade was worth on average, to 18 places; null where there was no trade."
    )
    max_drawdown: Amount | None = described("The largest `drawdown` of the equity curve.")
    gross_pnl: Amount = described("Realized by all fills, commissions not paid.")
    total_fees: Amount = described("The commissions paid in this currency.")
    net_pnl: Amount = described("`grossPnl - totalFees`.")
    equity: list[EquityPoint] = described("The equity curve, in the order of time.")
