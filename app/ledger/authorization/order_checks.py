"""Checks of an order to authorize that the API schema cannot express. They run before anything is locked."""

from decimal import Decimal
from uuid import UUID

from app.errors import InputInvalid
from app.ledger.commands import AuthorizeOrder
from app.ledger.input_checks import check_currency, check_identifier, check_positive, check_text
from app.rules.enums import PRICES, TRADED_SIDES, OrderType, Presence, TimeInForce

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
    if command.tags:
        _check_tags(command.tags)
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


def _check_tags(tags: list[str]) -> None:
    if len(tags) > TAGS_MAX:
        raise InputInvalid(f"An order has at most {TAGS_MAX} tags, not {len(tags)}.", "tags")
    for place, tag in enumerate(tags):
        if tag:
            check_text(tag, TAG_LENGTH_MAX, "tags", str(place))
