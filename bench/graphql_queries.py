"""The queries of the GraphQL benchmark in the dialect of each server, and the comparison of responses."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from bench.http_load import get, post_json

_FLAT = """clientOrderId venueOrderId strategyId traderId accountId instrumentId positionId side TYPE timeInForce
  status quantity filledQty price tsInit"""
_NESTED = "clientOrderId strategyId instrumentId side status quantity price tsInit"
_FILL = "tradeId lastQty lastPx commission liquiditySide tsEvent"
_BY_ID = "clientOrderId venueOrderId strategyId instrumentId side TYPE status quantity filledQty price tsInit"
_DEEP = "clientOrderId instrumentId side status quantity price tsInit"
_TREE = "clientOrderId side status quantity"
_GROUP = "instrumentId fills quantity notional"


@dataclass(frozen=True)
class Query:
    """One query. `by_hand` is a path, the others are documents; `variables` are by server."""

    name: str
    what: str
    purser: str
    by_hand: str
    strawberry: str
    postgraphile: str
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    ratios_min: dict[str, float] = field(default_factory=dict)

    def request(self, server: str) -> bytes:
        """The bytes of the request to a server."""
        if server == "by hand":
            return get(self.by_hand)
        return post_json("/graphql", {"query": getattr(self, server), "variables": self.variables.get(server, {})})


@dataclass(frozen=True)
class Place:
    """An order deep in the lists, with its cursors for each server."""

    strategy: str
    client_order_id: str
    ts_init: int
    cursor: str
    postgraphile_cursor: str


def _adapt(names: str, server: str) -> str:
    return names.replace("TYPE", "type: orderType" if server == "postgraphile" else "type")


def queries(place: Place) -> list[Query]:
    """All queries. `place` is where the deep page begins, and the order that is looked up by id."""
    fills_of = "fills: fillsByStrategyIdAndClientOrderId(first: 10, orderBy: TS_EVENT_DESC)"
    orders_of = "orders: ordersByStrategyId(first: 20, orderBy: TS_INIT_DESC)"
    newest = "orders: allOrders(first: 100, orderBy: TS_INIT_DESC)"
    return [
        Query(
            "flat",
            "100 orders, 15 fields",
            f"query ($n: Int!) {{ orders(first: $n) {{ nodes {{ {_adapt(_FLAT, '')} }} }} }}",
            "/flat",
            f"{{ orders(first: 100) {{ {_adapt(_FLAT, '')} }} }}",
            f"{{ {newest} {{ nodes {{ {_adapt(_FLAT, 'postgraphile')} }} }} }}",
            {"purser": {"n": 100}},
            ratios_min={"by hand": 0.8, "postgraphile": 2.5, "strawberry": 20},
        ),
        Query(
            "nested",
            "100 orders with their fills",
            f"query ($n: Int!) {{ orders(first: $n) {{ nodes {{ {_NESTED} "
            f"fills(first: 10) {{ nodes {{ {_FILL} }} }} }} }} }}",
            "/nested",
            f"{{ orders(first: 100) {{ {_NESTED} fills {{ {_FILL} }} }} }}",
            f"{{ {newest} {{ nodes {{ {_NESTED} {fills_of} {{ nodes {{ {_FILL} }} }} }} }} }}",
            {"purser": {"n": 100}},
            ratios_min={"by hand": 0.8, "postgraphile": 2.3, "strawberry": 28},
        ),
        Query(
            "tree",
            "20 strategies, 20 orders of each, their fills",
            f"{{ strategies(first: 20) {{ nodes {{ name state orders(first: 20) {{ nodes {{ {_TREE} "
            "fills(first: 10) { nodes { tradeId lastQty lastPx } } } } } } }",
            "/tree",
            f"{{ strategies {{ name state orders(first: 20) {{ {_TREE} fills {{ tradeId lastQty lastPx }} }} }} }}",
            f"{{ strategies: allStrategies(first: 20) {{ nodes {{ name state {orders_of} "
            f"{{ nodes {{ {_TREE} {fills_of} {{ nodes {{ tradeId lastQty lastPx }} }} }} }} }} }} }}",
        ),
        Query(
            "by id",
            "one order by its id",
            f"query ($id: String!) {{ order(clientOrderId: $id) {{ {_adapt(_BY_ID, '')} }} }}",
            f"/by_id?{urlencode({'id': place.client_order_id})}",
            f"query ($id: String!) {{ order(clientOrderId: $id) {{ {_adapt(_BY_ID, '')} }} }}",
            "query ($id: String!) { order: allOrders(first: 1, condition: {clientOrderId: $id}) "
            f"{{ nodes {{ {_adapt(_BY_ID, 'postgraphile')} }} }} }}",
            {server: {"id": place.client_order_id} for server in ("purser", "strawberry", "postgraphile")},
        ),
        Query(
            "deep",
            "50 orders of a strategy, deep in its list",
            "query ($after: String!, $strategy: UUID!) { orders(first: 50, after: $after, "
            f"filter: {{strategyId: {{eq: $strategy}}}}) {{ nodes {{ {_DEEP} }} }} }}",
            f"/deep?{urlencode({'strategy': place.strategy, 'before': place.ts_init})}",
            "query ($strategy: UUID!, $before: String!) { orders(first: 50, strategy: $strategy, before: $before) "
            f"{{ {_DEEP} }} }}",
            "query ($strategy: UUID!, $after: Cursor!) { orders: allOrders(first: 50, after: $after, "
            f"condition: {{strategyId: $strategy}}, orderBy: TS_INIT_DESC) {{ nodes {{ {_DEEP} }} }} }}",
            {
                "purser": {"after": place.cursor, "strategy": place.strategy},
                "strawberry": {"before": str(place.ts_init), "strategy": place.strategy},
                "postgraphile": {"after": place.postgraphile_cursor, "strategy": place.strategy},
            },
        ),
        Query(
            "aggregate",
            "sums of all fills by instrument",
            f"{{ fillsSummary(groupBy: [INSTRUMENT]) {{ groups {{ {_GROUP} }} }} }}",
            "/aggregate",
            f"{{ fillsSummary {{ groups {{ {_GROUP} }} }} }}",
            f"{{ fillsSummary: fillsByInstrument {{ groups: nodes {{ {_GROUP} }} }} }}",
        ),
    ]


_AMOUNTS = {"quantity", "filledQty", "price", "lastQty", "lastPx", "commission", "notional"}
_RFC_3339 = re.compile(r"(.+)\.(\d{9})Z")


def content(body: bytes) -> Any:
    """The content of a response, independent of the format of its numbers, instants and lists."""
    answer = json.loads(body)
    assert "errors" not in answer, answer["errors"]
    return _content(answer["data"])


def _content(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if value.keys() == {"nodes"}:
            value = value["nodes"]
            # A peer that looks up an order by filter responds with a list of one.
            return _content(value[0]) if key == "order" else _content(value, key)
        return {name: _content(part, name) for name, part in value.items()}
    if isinstance(value, list):
        listed = [_content(part) for part in value]
        # PostGraphile orders only by indexed columns; this one has no index, and its whole list is read.
        return sorted(listed, key=itemgetter("name")) if key == "strategies" else listed
    if value is not None and key in _AMOUNTS:
        return Decimal(value)
    if key == "fills":
        return int(value)
    if value is not None and key.startswith("ts"):
        return _nanoseconds(str(value))
    return value


def _nanoseconds(instant: str) -> int:
    if matched := _RFC_3339.fullmatch(instant):
        return int(datetime.fromisoformat(f"{matched[1]}+00:00").timestamp()) * 10**9 + int(matched[2])
    return int(instant)
