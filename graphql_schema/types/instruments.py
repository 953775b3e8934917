"""What amounts rest on: instruments, and where the engine's own reports differ from the ledger."""
# mypy: disable-error-code="no-any-return"
# Strawberry reads the declared type; the executor completes the JSON that `read` returns.

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import UNSET

from app.rules.enums import DiscrepancyKind, InstrumentSource
from graphql_schema.caller import Info
from graphql_schema.execution.executor import read
from graphql_schema.schema.inputs import DateTimeFilter, StringFilter, UUIDFilter
from graphql_schema.types.fields import After, Before, First, Last, argument, described, optional
from graphql_schema.types.relay import Connection, Node
from graphql_schema.types.scalars import Amount, Instant

if TYPE_CHECKING:
    from graphql_schema.types.trading import Position, Strategy


@strawberry.type(description="The terms by which quantities of an instrument become money.")
class Instrument(Node):
    """The terms by which quantities of an instrument become money."""

    instrument_id: str = described("The engine's id, as in `BTCUSDT.BINANCE`.")
    source: InstrumentSource = described("How the terms are known.")
    kind: str | None = described("The engine's class of instrument, as in `CryptoPerpetual`; null where not given.")
    base_currency: str | None = described("The currency that is traded, where one is; null where it is not known.")
    quote_currency: str = described("The currency of prices.")
    settlement_currency: str = described("The currency of PnL, position cost and holds.")
    multiplier: Amount = described("Units of the underlying in one unit of quantity.")
    is_inverse: bool = described("Whether value is quantity x multiplier / price, in the base currency.")


@strawberry.type(
    description="One figure in which the engine's report of a position differs from the ledger. It goes when a late "
    "fill, or a recorded instrument, makes both agree."
)
class Discrepancy:
    """One figure in which the engine's report of a position differs from the ledger."""

    event_id: UUID = described(
        "The id of the engine's report, the `PositionOpened`, `PositionChanged` or `PositionClosed` that it published."
    )
    kind: DiscrepancyKind = described("Which figure differs.")
    strategy: Annotated["Strategy", strawberry.lazy("graphql_schema.types.trading")] = described(
        "The position's strategy."
    )
    strategy_id: UUID = described("The strategy's id.")
    position: Annotated["Position", strawberry.lazy("graphql_schema.types.trading")] | None = described(
        "The position as the ledger has it; null where no fill explains the report (`FILL_MISSING`)."
    )
    position_id: str = described("The position's id, as the engine reports it.")
    instrument_id: str = described("The instrument.")
    ts_event: Instant = described("When the fill that the report follows happened.")
    ledger_value: str | None = described("The ledger's figure; null where the ledger has no such fill.")
    engine_value: str = described("The engine's figure.")


@strawberry.input(description="Selects instruments.")
class InstrumentFilter:
    """Selects instruments."""

    instrument_id: StringFilter | None = optional("By the engine's id.")
    source: InstrumentSource | None = optional("By how their terms are known.")


@strawberry.input(description="Selects discrepancies.")
class DiscrepancyFilter:
    """Selects discrepancies."""

    strategy_id: UUIDFilter | None = optional("By strategy id.")
    instrument_id: StringFilter | None = optional("By instrument.")
    position_id: StringFilter | None = optional("By position id.")
    kind: DiscrepancyKind | None = optional("By the figure that differs.")
    ts_event: DateTimeFilter | None = optional("By the instant of the fill.")


async def list_instruments(
    info: Info,
    filter: Annotated[InstrumentFilter | None, argument("Only these.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Instrument]:
    """A list of instruments."""
    return await read(info)


async def list_discrepancies(
    info: Info,
    filter: Annotated[DiscrepancyFilter | None, argument("Only these.")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Discrepancy]:
    """A list of discrepancies."""
    return await read(info)
