"""The mutations that are read straight from JSON: how, and by which function each is run."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.errors import PurserError
from app.ledger.commands import AuthorizeOrder
from graphql_schema.caller import Caller
from graphql_schema.fast_mutations.order_input import OrderJson
from graphql_schema.schema.mutations import authorize_all, authorize_one, record_events


@dataclass(frozen=True, slots=True)
class FastField:
    """A field of `Mutation` whose one argument, of this GraphQL type, is decoded from JSON as `decoded_as`.

    `prepare` makes what `run` takes. It raises ValueError to leave the request to ordinary execution.
    """

    type: str
    decoded_as: Any
    prepare: Callable[[Any], Any]
    run: Callable[[Caller, Any], Awaitable[Any]]
    valid_argument: Any
    """For ordinary execution that only writes a result which is there already."""
    has_template: bool = True
    """Whether the answer is written by a `PayloadTemplate`, or by graphql-core."""


def _commands(orders: Sequence[OrderJson]) -> list[AuthorizeOrder | PurserError]:
    return [order.command() for order in orders]


def _lines(events: Sequence[msgspec.Raw]) -> list[bytes]:
    """Every event as it was sent. Raises ValueError for null, which is no event."""
    lines = [bytes(event) for event in events]
    if b"null" in lines:
        raise ValueError("null")
    return lines


_ANY_ORDER = {
    "strategy": {"name": "-"},
    "clientOrderId": "-",
    "instrumentId": "-",
    "side": "BUY",
    "type": "MARKET",
    "quantity": "1",
}

FAST_FIELDS: Mapping[str, FastField] = {
    "authorizeOrder": FastField("AuthorizeOrderInput!", OrderJson, OrderJson.command, authorize_one, _ANY_ORDER),
    "authorizeOrders": FastField("[AuthorizeOrderInput!]!", list[OrderJson], _commands, authorize_all, []),
    "recordEvents": FastField("[JSON!]!", list[msgspec.Raw], _lines, record_events, [], has_template=False),
}
