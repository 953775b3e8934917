"""What amounts rest on: instruments, and where the engine's own reports differ from the ledger."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from app.rules.enums import DiscrepancyKind, InstrumentSource
from graphql_schema.schema.inputs import DateTimeFilter, StringFilter, UUIDFilter
from graphql_schema.types.fields import described, input_type, object_type, optional
from graphql_schema.types.relay import Node
from graphql_schema.types.scalars import Amount, Instant

if TYPE_CHECKING:
    from graphql_schema.types.trading import Position, Strategy


@object_type
class Instrument(Node):
    """The contract terms that turn quantities of an instrument into amounts of money."""

    instrument_id: str = described("The instrument's id, for example `BTCUSDT.BINANCE`.")
    source: InstrumentSource = described("Whether the terms are recorded or assumed.")
    kind: str | None = described("The engine's instrument class, for example `CryptoPerpetual`; null if not recorded.")
    base_currency: str | None = described("The base currency; null if the instrument has none or it is unknown.")
    quote_currency: str = described("The quote currency: the currency of prices.")
    settlement_currency: str = described("The currency of PnL, position cost and holds.")
    multiplier: Amount = described("The contract multiplier: units of the underlying in one unit of quantity.")
    is_inverse: bool = described(
        "Whether the instrument is inverse: notional value = quantity x multiplier / price, in the base currency."
    )


@object_type
class Discrepancy:
    """One figure that differs between the engine's report of a position and the ledger. It disappears when a late
    fill or a recorded instrument makes both agree.
    """

    event_id: UUID = described(
        "The id of the engine's report: a `PositionOpened`, `PositionChanged` or `PositionClosed` event."
    )
    kind: DiscrepancyKind = described("The figure that differs.")
    strategy: Annotated["Strategy", strawberry.lazy("graphql_schema.types.trading")] = described(
        "The position's strategy."
    )
    strategy_id: UUID = described("The strategy's id.")
    position: Annotated["Position", strawberry.lazy("graphql_schema.types.trading")] | None = described(
        "The position in the ledger; null if no fill explains the report (`FILL_MISSING`)."
    )
    position_id: str = described("The position's id in the engine's report.")
    instrument_id: str = described("The instrument's id.")
    ts_event: Instant = described("The instant of the fill that the report follows.")
    ledger_value: str | None = described("The ledger's figure; null if the ledger has no such fill.")
    engine_value: str = described("The engine's figure.")


@input_type
class InstrumentFilter:
    """Selects instruments."""

    instrument_id: StringFilter | None = optional("By instrument id.")
    source: InstrumentSource | None = optional("By the source of the terms.")


@input_type
class DiscrepancyFilter:
    """Selects discrepancies."""

    strategy_id: UUIDFilter | None = optional("By strategy id.")
    instrument_id: StringFilter | None = optional("By instrument.")
    position_id: StringFilter | None = optional("By position id.")
    kind: DiscrepancyKind | None = optional("By the figure that differs.")
    ts_event: DateTimeFilter | None = optional("By the instant of the fill.")
