"""Commands to the ledger, their results, and checks as strict as those of events."""

from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from app.errors import InputInvalid
from app.rules.enums import PRICES, TRADED_SIDES, DenyCode, OrderSide, OrderType, Presence, TimeInForce, TradingState
from app.rules.money import CURRENCY_LENGTH_MAX, DIGITS_MAX, is_storable

StrategyRef: TypeAlias = UUID | str
"""A strategy's id or name."""


class AuthorizeOrder(Struct, frozen=True, kw_only=True):
    """A request to authorize an order. Quantities are in units of the instrument, prices per unit.

    With `quote_quantity`, `quantity` is an amount of the quote currency. `reference_price` values an order without a
    price. `currency` is the settlement currency of an instrument that the ledger does not know yet.
    """

    strategy: StrategyRef
    client_order_id: str
    instrument_id: str
    side: OrderSide
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reference_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    post_only: bool = False
    currency: str | None = None
    signal_id: UUID | None = None
    tags: list[str] | None = None
    quote_quantity: bool = False


class Verdict(Struct, frozen=True):
    """The decision on an order: granted (`deny_code` is None), or denied with a reason.

    `currency` names the budget that decided; None if no currency is known. `decided_at` is the time of the decision in
    nanoseconds since the epoch. `is_repeated`: an earlier request made the decision. `strategy_state` is the
    strategy's current state.
    """

    strategy_id: UUID
    client_order_id: str
    currency: str | None
    decided_at: int
    strategy_state: TradingState
    is_repeated: bool = False
    deny_code: DenyCode | None = None
    reason: str | None = None


class RecordSignal(Struct, frozen=True, kw_only=True):
    """A signal for a strategy, or for all. `value` is any JSON value, `ts_event` nanoseconds since the epoch."""

    name: str
    value: object
    ts_event: int
    signal_id: UUID | None = None
    strategy: StrategyRef | None = None
    instrument_id: str | None = None


IDENTIFIER_LENGTH_MAX = 256
NUL = "\x00"


def is_text(text: str) -> bool:
    """Whether PostgreSQL can store the text."""
    if NUL in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_text(text: str, length_max: int, *path: str) -> None:
    """Check that a text is not empty or blank, and that PostgreSQL can store it."""
    name = next(part for part in reversed(path) if not part.isdecimal())
    if not 0 < len(text) <= length_max:
        raise InputInvalid(f"{name} has 1 to {length_max} characters, not {len(text)}.", *path)
    if not text.strip():
        raise InputInvalid(f"{name} is blank.", *path)
    if not is_text(text):
        raise InputInvalid(f"{name} has {'a NUL character' if NUL in text else 'half of a surrogate pair'}.", *path)


def check_identifier(text: str, *path: str) -> None:
    """Check an id of an order or instrument."""
    check_text(text, IDENTIFIER_LENGTH_MAX, *path)


def check_name(text: str, *path: str) -> None:
    """Check a trader id or strategy name. A line break is refused, because derived ids join the two with one."""
    check_identifier(text, *path)
    if "\n" in text:
        raise InputInvalid(f"{path[-1]} must not contain a line break.", *path)


def check_currency(code: str, *path: str) -> None:
    """Check a currency code as in a money string: printable ASCII without blanks."""
    check_text(code, CURRENCY_LENGTH_MAX, *path)
    if not code.isascii() or not code.isprintable() or " " in code:
        raise InputInvalid(f"{path[-1]} is a currency's code, like 'USDT', not {code!r}.", *path)


def check_not_negative(amount: Decimal, *path: str) -> None:
    """Check an amount of at least 0."""
    _check_storable(amount, *path)
    if amount < 0:
        raise InputInvalid(f"{path[-1]} must not be negative.", *path)


def check_positive(amount: Decimal, *path: str) -> None:
    """Check an amount above 0."""
    _check_storable(amount, *path)
    if amount <= 0:
        raise InputInvalid(f"{path[-1]} must be above zero.", *path)


def _check_storable(amount: Decimal, *path: str) -> None:
    if not is_storable(amount):
        raise InputInvalid(
            f"{path[-1]} must be finite, with at most {DIGITS_MAX} digits on either side of the point.", *path
        )


TAG_LENGTH_MAX = 16_384
TAGS_MAX = 100


def checked(command: AuthorizeOrder) -> AuthorizeOrder:
    """Return the command unchanged. Raises InputInvalid with a path of field names of `AuthorizeOrder`."""
    if type(command.strategy) is not UUID:
        check_identifier(str(command.strategy), "strategy", "name")
    check_identifier(command.client_order_id, "client_order_id")
    check_identifier(command.instrument_id, "instrument_id")
    check_positive(command.quantity, "quantity")
    _check_known(command)
    for presence, name in zip(PRICES[command.order_type], ("price", "trigger_price"), strict=True):
        _check_price(getattr(command, name), presence, command.order_type, name)
    if command.reference_price is not None:
        check_positive(command.reference_price, "reference_price")
    if command.currency is not None:
        check_currency(command.currency, "currency")
    tags = command.tags or []
    if len(tags) > TAGS_MAX:
        raise InputInvalid(f"An order has at most {TAGS_MAX} tags, not {len(tags)}.", "tags")
    for place, tag in enumerate(tags):
        if tag:
            check_text(tag, TAG_LENGTH_MAX, "tags", str(place))
    return command


def _check_known(command: AuthorizeOrder) -> None:
    """Refuse the enum values that represent missing data in recorded events."""
    if command.side not in TRADED_SIDES:
        raise InputInvalid(f"An order buys or sells; its side cannot be {command.side}.", "side")
    if command.order_type is OrderType.UNKNOWN:
        raise InputInvalid("An order to authorize has a type.", "order_type")
    if command.time_in_force is TimeInForce.UNKNOWN:
        raise InputInvalid("An order to authorize has a time in force.", "time_in_force")


def _check_price(price: Decimal | None, presence: Presence, order_type: OrderType, name: str) -> None:
    called = name.replace("_", " ")
    if price is None:
        if presence is Presence.ALWAYS:
            raise InputInvalid(f"An order of type {order_type} needs a {called}.", name)
        return
    if presence is Presence.NEVER:
        valued = "" if Presence.ALWAYS in PRICES[order_type] else "; a reference price can value it"
        raise InputInvalid(f"An order of type {order_type} has no {called}{valued}.", name)
    check_positive(price, name)
