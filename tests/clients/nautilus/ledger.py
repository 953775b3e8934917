"""Compares the ledger with what an engine's cache ends with."""

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.cache.base import CacheFacade

from tests.clients.nautilus.service import Service

_ROUNDING = Decimal("0.00001")
"""The engine rounds its PnL at each fill, to the currency's precision."""

_ORDERS = """
query($after: String) {
  orders(first: 1000, after: $after, orderBy: [{field: TS_INIT, direction: ASC}]) {
    nodes {
      strategy { name } clientOrderId status side type quantity filledQty leavesQty avgPx denyReason
      authorizationStatus isQuoteQuantity quantitySource
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
_JOURNAL = """
query($strategyId: UUID!, $currency: String!, $after: String) {
  budget(strategyId: $strategyId, currency: $currency) {
    journal(first: 1000, after: $after) {
      nodes { reason clientOrderId allocatedAfter reservedBefore reservedAfter }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_POSITIONS = """
query($after: String) {
  positions(first: 1000, after: $after) {
    nodes { strategy { name } positionId signedQty realizedPnl totalFees }
    pageInfo { hasNextPage endCursor }
  }
  fills(first: 0) { totalCount }
}
"""
_BOOKS = """
{
  discrepancies(first: 1000) { nodes { kind } }
  quarantinedEvents(first: 1000) { nodes { type quarantineReason } }
  budgets {
    strategyId strategy { name } currency allocated reserved reservedOrders reservedPositions unvaluedOrders
  }
}
"""


def _nodes(service: Service, document: str, name: str) -> list[dict[str, Any]]:
    """All nodes of a list, page by page."""
    nodes: list[dict[str, Any]] = []
    after = None
    while True:
        page = service.ask(document, after=after)[name]
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


def orders_of(service: Service) -> dict[str, dict[str, Any]]:
    """The ledger's orders by client order id."""
    return {node["clientOrderId"]: node for node in _nodes(service, _ORDERS, "orders")}


def books_of(service: Service) -> Any:
    """Discrepancies, quarantined events and budgets."""
    return service.ask(_BOOKS)


def journal_of(service: Service, budget: dict[str, Any]) -> list[dict[str, Any]]:
    """All changes of a budget."""
    entries: list[dict[str, Any]] = []
    after = None
    while True:
        found = service.ask(_JOURNAL, strategyId=budget["strategyId"], currency=budget["currency"], after=after)
        page = found["budget"]["journal"]
        entries += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return entries
        after = page["pageInfo"]["endCursor"]


def assert_equals_cache(service: Service, cache: CacheFacade) -> None:
    """The ledger equals the engine's cache."""
    assert_equals(service, [state_of(cache)])


def assert_equals(service: Service, runs: list[dict[str, Any]], *, quarantine: Collection[str] = ()) -> None:
    """Orders, fills, positions and PnL agree with those of all runs, and no report of the engine differs.

    Only events of the types in `quarantine` may be in quarantine.
    """
    engine = {name: order for run in runs for name, order in run["orders"].items()}
    ledger = {name: _figures_of(order) for name, order in orders_of(service).items()}
    histories = {name: events for run in runs for name, events in run["events"].items()}
    names = ledger.keys() | engine.keys()
    differing = {
        name: (ledger.get(name), engine.get(name), histories.get(name))
        for name in names
        if ledger.get(name) != engine.get(name)
    }
    assert not differing
    books = books_of(service)
    assert books["discrepancies"]["nodes"] == []
    events = [event for event in books["quarantinedEvents"]["nodes"] if event["type"] not in quarantine]
    assert events == []
    pnl: dict[str, Decimal] = defaultdict(Decimal)
    quantities: dict[str, str] = {}
    for position in _nodes(service, _POSITIONS, "positions"):
        pnl[position["strategy"]["name"]] += Decimal(position["realizedPnl"]) - Decimal(position["totalFees"])
        if quantity := Decimal(position["signedQty"]):
            quantities[position["positionId"]] = _text(quantity)
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for run in runs:
        for strategy, amount in run["pnl"].items():
            expected[strategy] += Decimal(amount)
    assert dict(pnl) == pytest.approx(dict(expected), abs=_ROUNDING)
    assert quantities == {name: quantity for run in runs for name, quantity in run["open"].items()}
    fills = service.ask(_POSITIONS)["fills"]["totalCount"]
    assert fills == sum(run["fills"] for run in runs)
    assert all(Decimal(budget["reserved"]) >= 0 and not budget["unvaluedOrders"] for budget in books["budgets"])


def state_of(cache: CacheFacade) -> dict[str, Any]:
    """What an engine's cache has, as JSON values: orders, PnL by strategy, open quantities, the number of fills."""
    pnl: dict[str, Decimal] = defaultdict(Decimal)
    for position in [*cache.positions(), *cache.position_snapshots()]:
        if position.realized_pnl is not None:
            pnl[position.strategy_id.value] += position.realized_pnl.as_decimal()
    return {
        "orders": {
            order.client_order_id.value: [
                order.strategy_id.value,
                order.status_string(),
                order.side_string(),
                *(_text(amount.as_decimal()) for amount in (order.quantity, order.filled_qty, order.leaves_qty)),
            ]
            for order in cache.orders()
        },
        "events": {
            order.client_order_id.value: [type(event).__name__ for event in order.events] for order in cache.orders()
        },
        "pnl": {strategy: str(amount) for strategy, amount in pnl.items()},
        "open": {p.id.value: _text(p.signed_decimal_qty()) for p in cache.positions_open()},
        "fills": sum(len(order.trade_ids) for order in cache.orders()),
    }


def _figures_of(order: dict[str, Any]) -> list[str]:
    amounts = (_text(Decimal(order[name])) for name in ("quantity", "filledQty", "leavesQty"))
    return [order["strategy"]["name"], order["status"], order["side"], *amounts]


def _text(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
