"""What a command must be to be understood, beyond the types of its fields: raises InputInvalid, which says where.

Run on each command before anything is locked. Texts are bounded as those of engine events are (`rules.events`).
"""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from app.errors import InputInvalid
from app.ledger.commands import AuthorizeOrder
from app.rules.enums import OrderType
from app.rules.money import CURRENCY_LENGTH_MAX, DIGITS_MAX, is_storable
from app.rules.order_types import LIMIT_PRICE, TRIGGER_PRICE, Presence

ID_LENGTH_MAX = 256
TAG_LENGTH_MAX = 16_384
TAGS_MAX = 100


def checked(command: AuthorizeOrder) -> AuthorizeOrder:
    """The command, as it is. Raises InputInvalid; the path has our names of the fields."""
    if type(command.strategy) is not UUID:
        check_text(str(command.strategy), "strategy", "name")
    check_text(command.client_order_id, "client_order_id")
    check_text(command.instrument_id, "instrument_id")
    _check_above_zero(command.quantity, "quantity")
    _check_price(command.price, LIMIT_PRICE, command.order_type, "price")
    _check_price(command.trigger_price, TRIGGER_PRICE, command.order_type, "trigger_price")
    if command.reference_price is not None:
        _check_above_zero(command.reference_price, "reference_price")
    if command.currency is not None:
        check_currency(command.currency, "currency")
    if command.tags:
        _check_tags(command.tags)
    return command


def check_text(text: str, *path: str, length_max: int = ID_LENGTH_MAX, length_min: int = 1) -> None:
    """A text that the database can keep. Raises InputInvalid."""
    if not length_min <= len(text) <= length_max:
        raise InputInvalid(f"It has {length_min} to {length_max} characters, not {len(text)}.", *path)
    if "\x00" in text:
        raise InputInvalid("It must not contain the character NUL.", *path)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InputInvalid("It is not valid Unicode.", *path) from None


def check_currency(currency: str, *path: str) -> None:
    """A currency's code, as amounts of money have it. Raises InputInvalid."""
    check_text(currency, *path, length_max=CURRENCY_LENGTH_MAX)
    if not currency.isprintable() or " " in currency:
        raise InputInvalid("A currency is a code without blanks, as in 'USDT'.", *path)


def _check_above_zero(amount: Decimal, name: str) -> None:
    if not is_storable(amount):
        raise InputInvalid(f"It is finite, with at most {DIGITS_MAX} digits on either side of the point.", name)
    if amount <= 0:
        raise InputInvalid(f"It is above zero, not {amount}.", name)


def _check_price(
    price: Decimal | None, presences: Mapping[OrderType, Presence], order_type: OrderType, name: str
) -> None:
    presence = presences[order_type]
    if price is None:
        if presence is Presence.ALWAYS:
            raise InputInvalid(f"An order of type {order_type} needs one.", name)
        return
    if presence is Presence.NEVER:
        raise InputInvalid(f"An order of type {order_type} has none; what to value it at is its reference price.", name)
    _check_above_zero(price, name)


def _check_tags(tags: list[str]) -> None:
    if len(tags) > TAGS_MAX:
        raise InputInvalid(f"An order has at most {TAGS_MAX} tags, not {len(tags)}.", "tags")
    for place, tag in enumerate(tags):
        check_text(tag, "tags", str(place), length_min=0, length_max=TAG_LENGTH_MAX)
