"""Compares the ledger with what an engine's cache ends with."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.cache.base import CacheFacade

from tests.clients.nautilus.service import Service

_ROUNDING = Decimal("0.00001")
"""The engine rounds its PnL at each fill, to the currency's precision."""

_SECOND_REJECTION = ("OrderRejected", "ILLEGAL_TRANSITION: OrderRejected is not allowed while the order is REJECTED")

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
    """Orders, fills, positions and PnL agree, and no report of the engine differs.

    In quarantine may be what the engine published about an order of a list after it was rejected: it says so twice.
    """
    assert differing_orders(service, cache) == {}
    books = books_of(service)
    assert books["discrepancies"]["nodes"] == []
    quarantined = [(event["type"], event["quarantineReason"]) for event in books["quarantinedEvents"]["nodes"]]
    assert set(quarantined) <= {_SECOND_REJECTION}, quarantined
    positions = _nodes(service, _POSITIONS, "positions")
    pnl: dict[str, Decimal] = defaultdict(Decimal)
    open_quantities: dict[str, Decimal] = {}
    for position in positions:
        pnl[position["strategy"]["name"]] += Decimal(position["realizedPnl"]) - Decimal(position["totalFees"])
        if quantity := Decimal(position["signedQty"]):
            open_quantities[position["positionId"]] = quantity
    assert dict(pnl) == pytest.approx(engine_pnl(cache), abs=_ROUNDING)
    assert open_quantities == {p.id.value: p.signed_decimal_qty() for p in cache.positions_open()}
    fills = service.ask(_POSITIONS)["fills"]["totalCount"]
    assert fills == sum(len(order.trade_ids) for order in cache.orders())
    assert all(Decimal(budget["reserved"]) >= 0 and not budget["unvaluedOrders"] for budget in books["budgets"])


def differing_orders(service: Service, cache: CacheFacade) -> dict[str, Any]:
    """The orders whose figures differ, each as (ledger's, cache's); `None` for an order that one side lacks."""
    ledger = {
        name: (
            order["strategy"]["name"],
            order["status"],
            order["side"],
            Decimal(order["quantity"]),
            Decimal(order["filledQty"]),
            Decimal(order["leavesQty"]),
        )
        for name, order in orders_of(service).items()
    }
    engine = {
        order.client_order_id.value: (
            order.strategy_id.value,
            order.status_string(),
            order.side_string(),
            order.quantity.as_decimal(),
            order.filled_qty.as_decimal(),
            order.leaves_qty.as_decimal(),
        )
        for order in cache.orders()
    }
    names = ledger.keys() | engine.keys()
    return {name: (ledger.get(name), engine.get(name)) for name in names if ledger.get(name) != engine.get(name)}


def engine_pnl(cache: CacheFacade) -> dict[str, Decimal]:
    """The net realized PnL by strategy, in the settlement currency, as the engine's positions have it."""
    pnl: dict[str, Decimal] = defaultdict(Decimal)
    for position in [*cache.positions(), *cache.position_snapshots()]:
        if position.realized_pnl is not None:
            pnl[position.strategy_id.value] += position.realized_pnl.as_decimal()
    return dict(pnl)
