"""What the gate says to the service, without I/O, so that a backtest says it synchronously and a live node does not.

A conversation is a generator that yields calls of a client and receives their results. `converse` runs it with a
`Purser`, `aconverse` with an `AsyncPurser`; both raise what the client raises.
"""

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import Order

from purser_client import AsyncPurser, Conflict, OrderAuthorized, OrderDenied, Purser
from purser_nautilus.gating.questions import question_of
from purser_nautilus.reporting.messages import encode, is_spawned

_STANDING = """
query Standing($strategy: UUID!, $clientOrderIds: [String!]!, $first: Int!) {
  orders(filter: {strategyId: {eq: $strategy}, clientOrderId: {in: $clientOrderIds}}, first: $first) {
    nodes { clientOrderId authorizationStatus }
  }
  strategy(id: $strategy) { state }
}
"""


class Call(NamedTuple):
    """A method of the client, and its arguments."""

    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer about one order. `reason` says why it is not granted."""

    is_granted: bool
    reason: str = ""


T = TypeVar("T")
Conversation: TypeAlias = Generator[Call, Any, T]
_GRANTED = Answer(True)


def converse(conversation: Conversation[T], client: Purser) -> T:
    """Run a conversation. Raises PurserError."""
    result = None
    while True:
        try:
            call = conversation.send(result)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        result = getattr(client, call.method)(*call.arguments)


async def aconverse(conversation: Conversation[T], client: AsyncPurser) -> T:
    """Run a conversation. Raises PurserError."""
    result = None
    while True:
        try:
            call = conversation.send(result)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        result = await getattr(client, call.method)(*call.arguments)


class Talk:
    """The conversations of one engine. Registers strategies and records instruments before their first question."""

    def __init__(self, trader_id: str, cache: CacheFacade) -> None:
        self._trader_id = trader_id
        self._cache = cache
        self._strategies: dict[str, UUID] = {}
        self._instruments: set[InstrumentId] = set()

    def introduce(self, strategy_ids: Sequence[str], instrument_ids: Sequence[InstrumentId]) -> Conversation[None]:
        """Make strategies and instruments known to the service, unless this engine did before."""
        for name in dict.fromkeys(strategy_ids):
            if name not in self._strategies:
                registered = yield Call("register_strategy", (name, self._trader_id))
                self._strategies[name] = registered.strategy_id
        unknown = [one for one in dict.fromkeys(instrument_ids) if one not in self._instruments]
        found = [instrument for one in unknown if (instrument := self._cache.instrument(one)) is not None]
        if found:
            yield Call("record", ([encode(instrument) for instrument in found],))
        self._instruments.update(unknown)

    def ask(self, orders: Sequence[Order]) -> Conversation[list[Answer]]:
        """Ask for the orders in one request; an answer for each."""
        yield from self.introduce([o.strategy_id.value for o in orders], [o.instrument_id for o in orders])
        if spawned := self._spawned(orders):
            # A spawned order takes its part of the primary order's hold, once both are known.
            yield Call("record", (spawned,))
        inputs = [question_of(order, self._strategies[order.strategy_id.value], self._cache) for order in orders]
        results = yield Call("authorize_all", (inputs,))
        answers: list[Answer] = []
        for order, result in zip(orders, results, strict=True):
            if isinstance(result, Conflict):
                # Another process asked for it: this engine before it was restarted.
                answers += yield from self.confirm([order])
            else:
                answers.append(_answer_to(result))
        return answers

    def confirm(self, orders: Sequence[Order], unasked: Collection[str] = ()) -> Conversation[list[Answer]]:
        """Check orders that were granted earlier: the grant stands, and trading was not halted since.

        Orders in `unasked` need no grant: they were let through while the service was away.
        """
        yield from self.introduce([order.strategy_id.value for order in orders], [])
        answers: dict[str, Answer] = {}
        for name in dict.fromkeys(order.strategy_id.value for order in orders):
            of_strategy = [order for order in orders if order.strategy_id.value == name]
            ids = [order.client_order_id.value for order in of_strategy]
            variables = {"strategy": str(self._strategies[name]), "clientOrderIds": ids, "first": len(ids)}
            standing = yield Call("execute", (_STANDING, variables))
            for order in of_strategy:
                answers[order.client_order_id.value] = _standing_of(order, standing, unasked)
        return [answers[order.client_order_id.value] for order in orders]

    def release(self, orders: Sequence[Order]) -> Conversation[None]:
        """Release what was granted and is not submitted."""
        for order in orders:
            yield Call("release", (order.strategy_id.value, order.client_order_id.value))

    def _spawned(self, orders: Sequence[Order]) -> list[bytes]:
        """The first events of spawned orders and of their primary orders."""
        events: dict[str, Any] = {}
        for order in orders:
            if is_spawned(order):
                for one in (self._cache.order(order.exec_spawn_id), order):
                    if one is not None:
                        events[one.client_order_id.value] = one.init_event
        return [encode(event) for event in events.values()]


def _answer_to(result: Any) -> Answer:
    if isinstance(result, OrderAuthorized):
        return _GRANTED
    if isinstance(result, OrderDenied):
        return Answer(False, result.reason)
    return Answer(False, f"PURSER_REFUSED: {result}")


def _standing_of(order: Order, standing: dict[str, Any], unasked: Collection[str]) -> Answer:
    name = order.client_order_id.value
    found = {node["clientOrderId"]: node["authorizationStatus"] for node in standing["orders"]["nodes"]}
    if found.get(name) != "GRANTED" and name not in unasked:
        return Answer(False, f"NOT_AUTHORIZED: the authorization of {name} is {found.get(name)}")
    state = standing["strategy"]["state"]
    if state == "HALTED":
        return Answer(False, f"TRADING_HALTED: trading was halted after {name} was authorized")
    if state == "REDUCING" and not order.is_reduce_only:
        return Answer(False, f"TRADING_REDUCING: only reduce-only orders may leave, {name} is none")
    return _GRANTED
