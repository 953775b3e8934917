"""The service is killed, the engine is killed, the spool is full: nothing is lost or doubled."""

from decimal import Decimal
from pathlib import Path

from purser_client import TradingState
from purser_nautilus import PurserGateConfig, guard
from tests.clients.nautilus.backtests import CONTINGENT, PLAIN, add_reporter, add_script, backtest, interrupt
from tests.clients.nautilus.ledger import assert_equals, assert_equals_cache, books_of, orders_of, state_of
from tests.clients.nautilus.live_engine import live_engine
from tests.clients.nautilus.service import Service
from tests.clients.nautilus.test_live import LIVE, SANDBOX_CLOCK, STRATEGY

AMPLE = Decimal(20_000_000)


def test_a_backtest_without_the_service_is_reported_afterwards(service: Service, tmp_path: Path) -> None:
    service.kill()
    with backtest("DESK-010") as engine:
        add_script(engine, CONTINGENT)
        actor = add_reporter(engine, service.url, tmp_path)
        engine.run()
        assert not actor.flush(1)
        assert actor.delivery.last_error is not None
        assert not actor.degraded
        service.start()
        assert actor.flush(60)
        assert actor.delivery.last_error is None
        assert_equals_cache(service, engine.cache)


def test_the_next_run_sends_the_spool_of_the_last_one(service: Service, tmp_path: Path) -> None:
    service.kill()
    with backtest("DESK-011") as engine:
        add_script(engine, PLAIN)
        add_reporter(engine, service.url, tmp_path, flush_seconds_max=0.1)
        engine.run()
        state = state_of(engine.cache)
    service.start()
    assert orders_of(service) == {}
    with backtest("DESK-011", quotes=1) as engine:
        actor = add_reporter(engine, service.url, tmp_path)
        engine.run()
        assert actor.flush(60)
    assert_equals(service, [state])


def test_orders_are_denied_while_the_service_is_away(service: Service, tmp_path: Path) -> None:
    with backtest("DESK-012") as engine:
        strategy = add_script(engine, CONTINGENT)
        service.set_budget("DESK-012", strategy, AMPLE)
        actor = add_reporter(engine, service.url, tmp_path)
        gate = guard(engine, actor)
        interrupt(engine, {120: service.kill, 240: service.start})
        engine.run()
        assert actor.flush(60)
        assert_equals_cache(service, engine.cache)
        denied = [order for order in engine.cache.orders() if order.status_string() == "DENIED"]
        assert len(denied) >= gate.counts.unavailable > 10
        assert {order.last_event.reason.partition(":")[0] for order in denied} == {"PURSER_UNAVAILABLE"}
        ledger = orders_of(service)
        assert {ledger[order.client_order_id.value]["authorizationStatus"] for order in denied} <= {None, "GRANTED"}


def test_a_grant_that_comes_too_late_holds_nothing(service: Service, tmp_path: Path) -> None:
    with backtest("DESK-016", quotes=90) as engine:
        strategy = add_script(engine, ("resting_limit",))
        service.set_budget("DESK-016", strategy, AMPLE)
        actor = add_reporter(engine, service.url, tmp_path)
        gate = guard(engine, actor, PurserGateConfig(question_seconds_max=0.3))
        interrupt(engine, {50: service.pause, 70: service.resume})
        engine.run()
        assert actor.flush(60)
        denied = [order.client_order_id.value for order in engine.cache.orders() if order.status_string() == "DENIED"]
        assert len(denied) == gate.counts.unavailable > 3
        ledger = orders_of(service)
        # The service granted them when it ran again, after they were denied.
        late = [name for name in denied if ledger[name]["authorizationStatus"] in ("GRANTED", "RELEASED")]
        assert late
        assert [Decimal(budget["reserved"]) for budget in books_of(service)["budgets"]] == [0]
        assert_equals_cache(service, engine.cache)


def test_orders_are_submitted_unasked_if_the_gate_is_to_stay_open(service: Service, tmp_path: Path) -> None:
    with backtest("DESK-013") as engine:
        strategy = add_script(engine, CONTINGENT)
        service.set_budget("DESK-013", strategy, AMPLE)
        actor = add_reporter(engine, service.url, tmp_path)
        gate = guard(engine, actor, PurserGateConfig(unavailable="submit"))
        interrupt(engine, {120: service.kill, 240: service.start})
        engine.run()
        assert actor.flush(60)
        assert_equals_cache(service, engine.cache)
        assert not any(order.status_string() == "DENIED" for order in engine.cache.orders())
        unasked = [order for order in orders_of(service).values() if order["authorizationStatus"] is None]
        assert len(unasked) == gate.counts.unasked > 10


def test_an_emulated_order_does_not_leave_after_trading_was_halted(service: Service, tmp_path: Path) -> None:
    with backtest("DESK-014") as engine:
        strategy = add_script(engine, ("emulated_stop",))
        service.set_budget("DESK-014", strategy, AMPLE)
        actor = add_reporter(engine, service.url, tmp_path)
        guard(engine, actor)
        interrupt(engine, {60: lambda: service.client.set_trading_state(TradingState.HALTED, strategy)})
        engine.run()
        assert actor.flush(60)
        denied = [order for order in engine.cache.orders() if order.status_string() == "DENIED"]
        histories = {tuple(type(event).__name__ for event in order.events) for order in denied}
        released = ("OrderInitialized", "OrderEmulated", "OrderInitialized", "OrderReleased", "OrderDenied")
        assert {events for events in histories if len(events) > 2} == {released}
        assert {order.last_event.reason.partition(":")[0] for order in denied} == {"TRADING_HALTED"}
        assert_equals_cache(service, engine.cache)


def test_a_full_spool_says_so_and_orders_are_reported_from_the_cache(service: Service, tmp_path: Path) -> None:
    service.kill()
    with backtest("DESK-015", quotes=1_500) as engine:
        add_script(engine, PLAIN, every=1)
        actor = add_reporter(engine, service.url, tmp_path, spool_bytes_max=1024 * 1024)
        engine.run()
        assert not actor.flush(1)
        assert actor.degraded
        assert actor.delivery.dropped_count > 100
        assert sum(path.stat().st_size for path in tmp_path.rglob("*.log")) <= 1024 * 1024
        service.start()
        assert actor.flush(60)
        assert not actor.degraded
        assert_equals_cache(service, engine.cache)


def test_killed_engine_and_killed_service_resume(service: Service, tmp_path: Path) -> None:
    service.set_budget("LIVE-010", STRATEGY, AMPLE)
    plan = {"trader_id": "LIVE-010", "kinds": LIVE, "unavailable": "submit", "question_seconds_max": 0.5}
    with live_engine(service.url, tmp_path, **plan, seed=1, quotes=300, idles=True) as engine:
        engine.quote(100)
        service.kill()
        first = engine.state()
        engine.kill()
    service.start()
    with live_engine(service.url, tmp_path, **plan, seed=2, quotes=100) as engine:
        second = engine.state()
        engine.end()
    assert first["counts"]["granted"] > 10
    assert first["counts"]["unasked"] > 10
    assert second["counts"]["granted"] > 10
    assert_equals(service, [first, second], quarantine=SANDBOX_CLOCK)
