"""The inputs of mutations, and how they become the ledger's commands.

Ordinary execution reads input by these classes; `fast_mutations.fields` decodes the same from the request's JSON.
A test compares the two.
"""

from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import strawberry
from strawberry import UNSET, schema_directives
from strawberry.schema_directive import Location

from app.errors import InputInvalid
from app.ledger.commands import AuthorizeOrder, RecordSignal, checked
from app.ledger.commands import StrategyRef as Reference
from app.ledger.recording.quarantine import ResolveQuarantine
from app.rules.enums import OrderSide, OrderType, QuarantineAction, TimeInForce
from app.rules.valuation import InstrumentDefinition
from graphql_schema.types.fields import described, input_type, optional
from graphql_schema.types.scalars import Amount, Document, Instant


@strawberry.schema_directive(locations=[Location.INPUT_OBJECT], name="oneOf", print_definition=False)
class OneOf(schema_directives.OneOf):
    """GraphQL's own `@oneOf`, which an SDL does not define: `strawberry schema-codegen` takes no such definition."""


@strawberry.input(directives=[OneOf()], description="Identifies a strategy by exactly one of these.")
class StrategyRef:
    """Identifies a strategy by exactly one of these."""

    id: UUID | None = optional("The strategy's id.")
    name: str | None = optional("The strategy's name; refused if several traders have a strategy of that name.")

    def reference(self) -> Reference:
        """As the resolvers take it."""
        return cast(Reference, self.name if self.id is None or self.id is UNSET else self.id)


@input_type
class AuthorizeOrderInput:
    """An order to authorize before it is submitted."""

    strategy: StrategyRef = described("The strategy.")
    client_order_id: str = described(
        "The engine's order id, unique within the strategy. A repeated request gets the first answer again."
    )
    instrument_id: str = described("The instrument's id, for example `BTCUSDT.BINANCE`.")
    side: OrderSide = described("The order side.")
    order_type: OrderType = described("The order type.", "type")
    quantity: Amount = described(
        "The quantity, above zero: in units of the instrument, or in the quote currency if `quoteQuantity` is true."
    )
    price: Amount | None = optional("The limit price, for types that have one.")
    trigger_price: Amount | None = optional("The trigger price, for types that have one.")
    reference_price: Amount | None = optional(
        "The price that values an order without a price of its own; by default the price of the instrument's last fill."
    )
    time_in_force: TimeInForce = described("How long the order remains in force.", default=TimeInForce.GTC)
    reduce_only: bool = described("Whether the order may only reduce a position.", default=False)
    post_only: bool = described("Whether the order may only add liquidity.", default=False)
    currency: str | None = optional(
        "The instrument's settlement currency; required if the instrument is unknown to the ledger."
    )
    signal_id: UUID | None = optional("The signal that caused the order.")
    tags: list[str] | None = optional("Free-form labels of the strategy, at most 100.")
    quote_quantity: bool = described(
        "Whether `quantity` is an amount of the quote currency, as in NautilusTrader.", default=False
    )

    def command(self) -> AuthorizeOrder | InputInvalid:
        """The ledger's command, or the error of the input."""
        return checked_order(AuthorizeOrder(**_given(self)))


def checked_order(command: AuthorizeOrder) -> AuthorizeOrder | InputInvalid:
    """The command, or the error of the input: the answer for one order does not depend on the others."""
    try:
        return checked(command)
    except InputInvalid as error:
        return error


def _given(input: object) -> dict[str, Any]:
    """The fields that were given, by the names of the command; a strategy as the resolvers take it."""
    given = {name: value for name, value in vars(input).items() if value is not UNSET}
    if given.get("strategy"):
        given["strategy"] = given["strategy"].reference()
    return given


@input_type
class ResolveQuarantineInput:
    """The action to take on an event in quarantine."""

    strategy: StrategyRef = described("The strategy.")
    event_id: UUID = described("The event's id.")
    variant: int = described("The content under the event's id; see `OrderEvent.variant`.", default=0)
    action: QuarantineAction = described("The action to take.")
    reason: str = described("The reason, kept with the decision and in the audit log; 1 to 2000 characters.")

    def command(self) -> ResolveQuarantine:
        """As the ledger takes it."""
        return ResolveQuarantine(str(self.event_id), self.action, self.reason, self.variant)


@input_type
class InstrumentInput:
    """The contract terms of one instrument."""

    instrument_id: str = described("The instrument's id, for example `BTCUSDT.BINANCE`.")
    base_currency: str | None = optional("The base currency, for instruments that have one.")
    quote_currency: str = described("The quote currency: the currency of prices.")
    settlement_currency: str = described("The currency of PnL, position cost and holds.")
    multiplier: Amount = described(
        "The contract multiplier, above zero: units of the underlying in one unit of quantity. The "
        "default counts as recorded and cannot be corrected after a fill was valued with it.",
        default=Amount(Decimal(1)),
    )
    is_inverse: bool = described(
        "Whether the instrument is inverse: notional value = quantity x multiplier / price, in the base "
        "currency. The default counts as recorded and cannot be corrected after a fill was valued with "
        "it.",
        default=False,
    )
    kind: str | None = optional("The engine's instrument class, for example `CryptoPerpetual`.")

    def definition(self) -> InstrumentDefinition:
        """As the ledger takes it."""
        return InstrumentDefinition(**_given(self))


@input_type
class SignalInput:
    """A published signal of a strategy."""

    signal_id: UUID | None = optional("The signal's id; by default derived from the content.")
    strategy: StrategyRef | None = optional("The strategy; by default none.")
    instrument_id: str | None = optional("The instrument's id.")
    name: str = described("The signal's name.")
    value: Document = described("The signal's value.")
    ts_event: Instant = described("When the signal was published.")

    def command(self) -> RecordSignal:
        """As the ledger takes it."""
        return RecordSignal(**_given(self))
