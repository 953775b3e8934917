"""A trading client: authorizes, reports, releases and cancels orders, and repeats requests."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.rules.identity import strategy_id_of
from tests.events import published
from tests.race.connection import Connection

TRADER, STRATEGY = "TRADER-001", "Race-000"
STRATEGY_ID = strategy_id_of(TRADER, STRATEGY)
INSTRUMENTS = [f"RACE{n}-PERP.SIM" for n in range(4)]
ONE_REPEATED_IN = 5
BATCH_SIZE = 30
"""Orders in one `authorizeOrders`, which share a transaction with those of other clients."""
REPEATABLE_MAX = 200

_SELECTION = "__typename ... on OrderDenied { denied: denyCode reason } ... on Error { code message }"
ONE = f"mutation ($input: AuthorizeOrderInput!) {{ authorizeOrder(input: $input) {{ {_SELECTION} }} }}"
MANY = f"mutation ($inputs: [AuthorizeOrderInput!]!) {{ authorizeOrders(inputs: $inputs) {{ {_SELECTION} }} }}"
RELEASE = """mutation ($id: String!, $strategy: StrategyRef!) {
  releaseOrder(clientOrderId: $id, strategy: $strategy) {
    __typename ... on OrderReleased { order { clientOrderId } } ... on Error { code message } } }"""
RECORD = """mutation ($events: [JSON!]!) {
  recordEvents(events: $events) { accepted duplicates quarantined rejected { code message } } }"""


@dataclass
class Acknowledged:
    """What the API acknowledged: the decision for each order, and the recorded events and releases."""

    decided: dict[str, str] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)
    recorded: set[str] = field(default_factory=set)


@dataclass
class _Order:
    name: str
    instrument: str
    side: str
    quantity: int
    price: int

    def input(self) -> dict[str, Any]:
        return {
            "strategy": {"name": STRATEGY},
            "clientOrderId": self.name,
            "instrumentId": self.instrument,
            "side": self.side,
            "type": "LIMIT",
            "quantity": str(self.quantity),
            "price": str(self.price),
        }


class Trader:
    """One of many clients that trade for the same strategy on one budget. `number` identifies it."""

    def __init__(self, number: int, connection: Connection, acknowledged: Acknowledged) -> None:
        self._number = number
        self._connection = connection
        self._acknowledged = acknowledged
        self._random = Random(number)
        self._numbers: Iterator[int] = iter(range(number * 10**9 + 1, (number + 1) * 10**9))
        self._granted: list[_Order] = []
        self._submitted: list[_Order] = []
        self._answered: list[tuple[str, dict[str, Any], Any]] = []

    async def run_operation(self) -> None:
        """Runs one random operation until it is acknowledged."""
        draw = self._random.random()
        if self._answered and self._random.randrange(ONE_REPEATED_IN) == 0:
            await self._repeat()
        elif self._submitted and draw < 0.35:
            await self._end(self._take(self._submitted))
        elif self._granted and draw < 0.6:
            await self._submit(self._take(self._granted))
        elif self._granted and draw < 0.7:
            await self._release(self._take(self._granted))
        else:
            await self._authorize([self._order() for _ in range(BATCH_SIZE if draw > 0.95 else 1)])

    async def _authorize(self, orders: list[_Order]) -> None:
        if len(orders) == 1:
            data = await self._ask(ONE, {"input": orders[0].input()})
            answers = [data["authorizeOrder"]]
        else:
            data = await self._ask(MANY, {"inputs": [order.input() for order in orders]})
            answers = data["authorizeOrders"]
        for order, answer in zip(orders, answers, strict=True):
            assert answer["__typename"] in ("OrderAuthorized", "OrderDenied"), answer
            self._acknowledged.decided[order.name] = answer["__typename"]
            if answer["__typename"] == "OrderAuthorized":
                self._granted.append(order)

    async def _submit(self, order: _Order) -> None:
        amounts = {"order_side": order.side, "quantity": order.quantity, "price": order.price}
        await self._record(order, ("OrderInitialized", amounts), ("OrderSubmitted", {}))
        self._submitted.append(order)

    async def _end(self, order: _Order) -> None:
        if self._random.random() < 0.4:
            await self._record(order, ("OrderCanceled", {}))
            return
        fill = {"order_side": order.side, "last_qty": order.quantity, "last_px": order.price, "position_id": None}
        await self._record(order, ("OrderFilled", fill))

    async def _release(self, order: _Order) -> None:
        # A released order is not authorized again: from now on the same request has another response.
        self._answered = [answered for answered in self._answered if order.name not in str(answered[1])]
        data = await self._ask(RELEASE, {"id": order.name, "strategy": {"name": STRATEGY}})
        assert data == {"releaseOrder": {"__typename": "OrderReleased", "order": {"clientOrderId": order.name}}}, data
        self._acknowledged.released.add(order.name)

    async def _record(self, order: _Order, *events: tuple[str, dict[str, Any]]) -> None:
        sent = []
        for kind, fields in events:
            number = next(self._numbers)
            common = {"strategy_id": STRATEGY, "instrument_id": order.instrument, "client_order_id": order.name}
            sent.append(published(kind, number, ts=time.time_ns(), **common, **fields))
        await self._ask(RECORD, {"events": sent})
        self._acknowledged.recorded |= {event["event_id"] for event in sent}

    async def _ask(self, query: str, variables: dict[str, Any]) -> Any:
        data = _comparable(await self._connection.ask(query, variables))
        self._answered.append((query, variables, data))
        del self._answered[:-REPEATABLE_MAX]
        return data

    async def _repeat(self) -> None:
        query, variables, first = self._random.choice(self._answered)
        assert _comparable(await self._connection.ask(query, variables)) == first

    def _order(self) -> _Order:
        draw = self._random
        name = f"O-{self._number}-{next(self._numbers)}"
        return _Order(
            name,
            draw.choice(INSTRUMENTS),
            draw.choice(["BUY", "SELL"]),
            draw.randint(1, 3),
            draw.choice([90, 100, 110]),
        )

    def _take(self, orders: list[_Order]) -> _Order:
        return orders.pop(self._random.randrange(len(orders)))


def _comparable(data: Any) -> Any:
    """The response with the parts that must be equal each time: an event is new once, and then a duplicate."""
    recorded = data.get("recordEvents")
    if recorded is None:
        return data
    assert (recorded["quarantined"], recorded["rejected"]) == (0, []), recorded
    return {"recordEvents": recorded["accepted"] + recorded["duplicates"]}
