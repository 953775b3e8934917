"""A backtest that is reported and guarded: the ledger equals the engine's cache."""

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.orders import Order

from purser_nautilus import PurserGateConfig, guard
from tests.clients.nautilus.backtests import AMOUNTS, CONTINGENT, PLAIN, add_reporter, add_script, backtest
from tests.clients.nautilus.ledger import (
    assert_equals_cache,
    books_of,
    journal_of,
    orders_of,
)
from tests.clients.nautilus.service import Service

AMPLE, TIGHT = Decimal(20_000_000), Decimal(30_000)


@pytest.mark.parametrize("budget", [AMPLE, TIGHT])
def test_every_contingent_order_is_asked_once_and_the_ledger_equals_the_cache(
    service: Service, tmp_path: Path, budget: Decimal
) -> None:
    with backtest("DESK-001") as engine:
        strategies = [add_script(engine, CONTINGENT, tag=1), add_script(engine, CONTINGENT, tag=2, every=7)]
        for strategy in strategies:
            service.set_budget("DESK-001", strategy, budget)
        actor = add_reporter(engine, service.url, tmp_path)
        gate = guard(engine, actor)
        engine.run()
        assert actor.flush(60)
        orders = engine.cache.orders()
        assert gate.counts.asked == len(orders) == gate.counts.granted + len(refused_by_purser(service))
        assert gate.counts.unavailable == gate.counts.unasked == 0
        assert_equals_cache(service, engine.cache)
        assert {order["authorizationStatus"] for order in orders_of(service).values()} <= {
            "GRANTED",
            "DENIED",
            "RELEASED",
        }
        assert any(order.status_string() == "DENIED" for order in orders) is (budget is TIGHT)
        assert_grants_within_budget(service)
    assert actor.delivery is None  # disposed


def test_a_refused_order_is_denied_with_the_reason_and_never_submitted(service: Service, tmp_path: Path) -> None:
    with backtest("DESK-002") as engine:
        strategy = add_script(engine, PLAIN)
        service.set_budget("DESK-002", strategy, Decimal(1))
        actor = add_reporter(engine, service.url, tmp_path)
        guard(engine, actor)
        engine.run()
        assert actor.flush(60)
        denied = [order for order in engine.cache.orders() if not order.is_reduce_only]
        assert denied
        for order in denied:
            assert kinds_of(order) == ["OrderInitialized", "OrderDenied"]
            assert order.last_event.reason.startswith("BUDGET_EXCEEDED: available=1 USDT, required=")
        assert_equals_cache(service, engine.cache)
        ledger = orders_of(service)
        reasons = {order.client_order_id.value: order.last_event.reason for order in denied}
        assert {name: ledger[name]["denyReason"] for name in reasons} == reasons


@pytest.mark.parametrize("kinds", [PLAIN, AMOUNTS])
def test_an_unguarded_engine_is_reported(service: Service, tmp_path: Path, kinds: tuple[str, ...]) -> None:
    with backtest("DESK-003") as engine:
        add_script(engine, kinds)
        actor = add_reporter(engine, service.url, tmp_path)
        engine.run()
        assert actor.flush(60)
        assert_equals_cache(service, engine.cache)
        assert {order["authorizationStatus"] for order in orders_of(service).values()} == {None}


def test_only_the_named_strategies_are_guarded(service: Service, tmp_path: Path) -> None:
    with backtest("DESK-004") as engine:
        guarded, free = add_script(engine, PLAIN, tag=1), add_script(engine, PLAIN, tag=2)
        service.set_budget("DESK-004", guarded, Decimal(1))
        actor = add_reporter(engine, service.url, tmp_path)
        guard(engine, actor, PurserGateConfig(strategies=[guarded]))
        engine.run()
        assert actor.flush(60)
        statuses: dict[str, set[str | None]] = {guarded: set(), free: set()}
        for order in orders_of(service).values():
            statuses[order["strategy"]["name"]].add(order["authorizationStatus"])
        assert statuses == {guarded: {"DENIED"}, free: {None}}
        assert_equals_cache(service, engine.cache)


def kinds_of(order: Order) -> list[str]:
    return [type(event).__name__ for event in order.events]


def refused_by_purser(service: Service) -> list[str]:
    orders = orders_of(service)
    return [name for name, order in orders.items() if order["authorizationStatus"] == "DENIED"]


def assert_grants_within_budget(service: Service) -> None:
    """No grant takes what is reserved above the cap, or any further above it; nothing else reserves.

    A spawned order is held before it is granted: it takes a part of its primary order's hold.
    """
    for budget in books_of(service)["budgets"]:
        entries = journal_of(service, budget)
        grants = [entry for entry in entries if entry["reason"] == "AUTHORIZED"]
        assert grants
        for entry in grants:
            cap = max(Decimal(entry["allocatedAfter"]), Decimal(entry["reservedBefore"]))
            assert Decimal(entry["reservedAfter"]) <= cap
        assert all("-E" in entry["clientOrderId"] for entry in entries if entry["reason"] == "HELD")
