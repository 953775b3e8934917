"""One order that wants to leave."""

from functools import lru_cache
from uuid import UUID

from app.ledger.batch import OrderKey
from app.ledger.commands import AuthorizeOrder
from app.ledger.holds.exposure import Market
from app.rules.holds import opposite, unit_price_of

_text_of = lru_cache(maxsize=10_000)(str)
"""A thousand orders of one request name one strategy."""


class Request:
    """One order that wants to leave, of a strategy that is known by its id; `actor` asks.

    `key` is the order, `market` where it would trade, `side` which side of that market.
    """

    __slots__ = ("actor", "command", "key", "market", "opposite", "side", "strategy_id")

    def __init__(self, strategy_id: UUID, command: AuthorizeOrder, actor: str) -> None:
        self.strategy_id = strategy_id
        self.command = command
        self.actor = actor
        text = _text_of(strategy_id)
        self.key: OrderKey = (text, command.client_order_id)
        self.market: Market = (text, command.instrument_id)
        self.side = (self.market, command.side)
        self.opposite = (self.market, opposite(command.side))

    @property
    def is_priced(self) -> bool:
        """Whether it says itself what it is valued at."""
        command = self.command
        return unit_price_of(command.price, command.trigger_price, command.reference_price) is not None
