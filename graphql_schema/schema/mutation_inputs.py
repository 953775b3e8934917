"""What mutations take, and how it becomes the ledger's commands.

By these classes ordinary execution reads what was sent; `fast_mutations.order_input` decodes the same from the
request's JSON. A test compares the two.
"""

from decimal import Decimal
from typing import cast
from uuid import UUID

import strawberry
from strawberry import UNSET, schema_directives
from strawberry.schema_directive import Location

from app.ledger.authorization.order_checks import checked
from app.ledger.commands import AuthorizeOrder, RecordSignal
from app.ledger.commands import StrategyRef as Reference
from app.ledger.recording.quarantine import ResolveQuarantine
from app.rules.enums import OrderSide, OrderType, QuarantineAction, TimeInForce
from app.rules.instruments import InstrumentDefinition
from graphql_schema.types.fields import described, optional
from graphql_schema.types.scalars import Amount, Document, Instant


@strawberry.schema_directive(locations=[Location.INPUT_OBJECT], name="oneOf", print_definition=False)
class OneOf(schema_directives.OneOf):
    """GraphQL's own `@oneOf`, which an SDL does not define: `strawberry schema-codegen` takes no such definition."""


@strawberry.input(directives=[OneOf()], description="A strategy, by one of these.")
class StrategyRef:
    """A strategy, by its id or by its name."""

    id: UUID | None = optional("Its id.")
    name: str | None = optional("Its name; refused where several traders have one of that name.")

    def reference(self) -> Reference:
        """As the resolvers take it."""
        return cast(Reference, self.name if self.id is None or self.id is UNSET else self.id)


@strawberry.input(description="An order that asks to leave.")
class AuthorizeOrderInput:
    """An order that asks to leave."""

    strategy: StrategyRef = described("Whose it is.")
    client_order_id: str = described("The engine's id, unique within the strategy; asked again, the same answer.")
    instrument_id: str = described("What is traded, as in `BTCUSDT.BINANCE`.")
    side: OrderSide = described("Buys or sells.")
    order_type: OrderType = described("How it is priced and triggered.", "type")
    quantity: Amount = described("How much, above zero: in units of the instrument, unless `quoteQuantity` is true.")
    price: Amount | None = optional("The limit price, where the type has one.")
    trigger_price: Amount | None = optional("The trigger price, where the type has one.")
    reference_price: Amount | None = optional(
        "What to value it at where it has no price of its own; the instrument's last fill unless given."
    )
    time_in_force: TimeInForce = strawberry.field(
        default=TimeInForce.GTC, description="How long it stays open; until it is canceled unless said."
    )
    reduce_only: bool = strawberry.field(default=False, description="Whether it may only reduce a position.")
    post_only: bool = strawberry.field(default=False, description="Whether it may only add liquidity.")
    currency: str | None = optional("What the instrument settles in; needed where the ledger does not know it yet.")
    signal_id: UUID | None = optional("The signal that it acts on.")
    tags: list[str] | None = optional("The strategy's own words about it: at most 100.")
    quote_quantity: bool = strawberry.field(
        default=False, description="Whether `quantity` is an amount of the quote currency, as in NautilusTrader."
    )

    def command(self) -> AuthorizeOrder:
        """As the ledger takes it. Raises InputInvalid."""
        given = {name: value for name in _AS_THEY_ARE if (value := getattr(self, name)) is not UNSET}
        return checked(AuthorizeOrder(strategy=self.strategy.reference(), **given))


_AS_THEY_ARE = tuple(name for name in AuthorizeOrder.__struct_fields__ if name != "strategy")


@strawberry.input(description="What to do with an event in quarantine.")
class ResolveQuarantineInput:
    """What to do with an event in quarantine."""

    strategy: StrategyRef = described("Whose it is.")
    event_id: UUID = described("The event's id.")
    variant: int = strawberry.field(
        default=0, description="Which content under the id, as `OrderEvent.variant` has it; the first unless said."
    )
    action: QuarantineAction = described("What to do with it.")
    reason: str = described("Why; kept with the decision and in the audit log. 1 to 2000 characters.")

    def command(self) -> ResolveQuarantine:
        """As the ledger takes it."""
        return ResolveQuarantine(str(self.event_id), self.action, self.reason, self.variant)


@strawberry.input(description="What an instrument is valued by.")
class InstrumentInput:
    """What an instrument is valued by."""

    instrument_id: str = described("Its id, as in `BTCUSDT.BINANCE`.")
    base_currency: str | None = optional("What is traded, where that is a currency.")
    quote_currency: str = described("What its prices are in.")
    settlement_currency: str = described("What its profits are in, and whose budget its orders count against.")
    multiplier: Amount = strawberry.field(
        default=Amount(Decimal(1)),
        description="How many units of the underlying one unit of quantity is; above zero. 1 counts as recorded where "
        "it is left out, and cannot be corrected once a fill was valued by it.",
    )
    is_inverse: bool = strawberry.field(
        default=False,
        description="Whether its value is quantity x multiplier / price, in the base currency. False counts as "
        "recorded where it is left out, and cannot be corrected once a fill was valued by it.",
    )
    kind: str | None = optional("The engine's class of instrument, as in `CryptoPerpetual`.")

    def definition(self) -> InstrumentDefinition:
        """As the ledger takes it."""
        return InstrumentDefinition(
            instrument_id=self.instrument_id,
            quote_currency=self.quote_currency,
            settlement_currency=self.settlement_currency,
            base_currency=None if self.base_currency is UNSET else self.base_currency,
            multiplier=self.multiplier,
            is_inverse=self.is_inverse,
            kind=None if self.kind is UNSET else self.kind,
        )


@strawberry.input(description="What made a strategy act.")
class SignalInput:
    """What made a strategy act."""

    signal_id: UUID | None = optional("Its id; derived from the content unless given.")
    strategy: StrategyRef | None = optional("Whose it is; nobody's in particular unless given.")
    instrument_id: str | None = optional("The instrument that it is about.")
    name: str = described("Its name.")
    value: Document = described("Its value.")
    ts_event: Instant = described("When it was published.")

    def command(self) -> RecordSignal:
        """As the ledger takes it."""
        return RecordSignal(
            name=self.name,
            value=self.value,
            ts_event=self.ts_event,
            signal_id=self.signal_id or None,
            strategy=self.strategy.reference() if self.strategy else None,
            instrument_id=None if self.instrument_id is UNSET else self.instrument_id,
        )
