"""A client that trades: asks for authorization, reports what its engine did, gives up, cancels, and repeats itself."""

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
ONE_IN_REPEATED = 5
TOGETHER = 30
"""Orders of one `authorizeOrders`, which share a transaction with those of other clients."""
REPEATABLE_MAX = 200

_TOLD = "__typename ... on OrderDenied { denied: denyCode reason } ... on Error { code message }"
ONE = f"mutation ($input: AuthorizeOrderInput!) {{ authorizeOrder(input: $input) {{ {_TOLD} }} }}"
MANY = f"mutation ($inputs: [AuthorizeOrderInput!]!) {{ authorizeOrders(inputs: $inputs) {{ {_TOLD} }} }}"
RELEASE = """mutation ($id: String!, $strategy: StrategyRef!) {
  releaseOrder(clientOrderId: $id, strategy: $strategy) {
    __typename ... on OrderReleased { order { clientOrderId } } ... on Error { code message } } }"""
RECORD = """mutation ($events: [JSON!]!) {
  recordEvents(events: $events) { accepted duplicates quarantined rejected { code message } } }"""


@dataclass
class Acknowledged:
    """What the clients were told: by order what was decided, and which events and releases were taken."""

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

    def asked(self) -> dict[str, Any]:
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
    """One of many that trade for the same strategy, on one budget. `number` is its own."""

    def __init__(self, number: int, connection: Connection, acknowledged: Acknowledged) -> None:
        self._number = number
        self._connection = connection
        self._acknowledged = acknowledged
        self._random = Random(number)
        self._numbers: Iterator[int] = iter(range(number * 10**9 + 1, (number + 1) * 10**9))
        self._granted: list[_Order] = []
        self._submitted: list[_Order] = []
        self._said: list[tuple[str, dict[str, Any], Any]] = []

    async def act(self) -> None:
        """One operation, acknowledged."""
        draw = self._random.random()
        if self._said and self._random.randrange(ONE_IN_REPEATED) == 0:
            await self._repeat()
        elif self._submitted and draw < 0.35:
            await self._end(self._taken(self._submitted))
        elif self._granted and draw < 0.6:
            await self._submit(self._taken(self._granted))
        elif self._granted and draw < 0.7:
            await self._release(self._taken(self._granted))
        else:
            await self._authorize([self._order() for _ in range(TOGETHER if draw > 0.95 else 1)])

    async def _authorize(self, orders: list[_Order]) -> None:
        if len(orders) == 1:
            data = await self._ask(ONE, {"input": orders[0].asked()})
            answers = [data["authorizeOrder"]]
        else:
            data = await self._ask(MANY, {"inputs": [order.asked() for order in orders]})
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
        # What is released is not authorized again: from here on the same question has another answer.
        self._said = [said for said in self._said if order.name not in str(said[1])]
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
        self._said.append((query, variables, data))
        del self._said[:-REPEATABLE_MAX]
        return data

    async def _repeat(self) -> None:
        query, variables, first = self._random.choice(self._said)
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

    def _taken(self, orders: list[_Order]) -> _Order:
        return orders.pop(self._random.randrange(len(orders)))


def _comparable(data: Any) -> Any:
    """The answer as it must be each time: an event is new once, and known ever after."""
    recorded = data.get("recordEvents")
    if recorded is None:
        return data
    assert (recorded["quarantined"], recorded["rejected"]) == (0, []), recorded
    return {"recordEvents": recorded["accepted"] + recorded["duplicates"]}
