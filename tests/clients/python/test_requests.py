"""Requests of both clients to a real service."""

import gzip
import json
import math
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.database import Database
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from purser_client import (
    AuthorizationStatus,
    AuthorizeOrderInput,
    Conflict,
    DecimalFilter,
    DenyCode,
    FillFilter,
    Forbidden,
    Instant,
    InstrumentInput,
    InvalidInput,
    NotFound,
    OrderAuthorized,
    OrderDenied,
    OrderFilter,
    OrderSide,
    OrderSort,
    OrderSortField,
    SignalInput,
    SortDirection,
    StrategyRef,
    StringFilter,
    TradingScope,
    TradingState,
    Unauthorized,
    recording,
)
from tests.clients.python.conftest import STRATEGY, order
from tests.clients.python.threaded import AnyClient, connected
from tests.events import published
from tests.graphql_schema.service import running

pytestmark = pytest.mark.anyio
DATA = Path(__file__).parents[2] / "data"


async def test_a_repeated_order_gets_the_first_answer(client: AnyClient) -> None:
    first = await client.authorize(order())
    assert isinstance(first, OrderAuthorized)
    assert not first.is_repeated
    assert await client.authorize(order()) == msgspec.structs.replace(first, is_repeated=True)


async def test_a_denial_is_returned_and_holds_nothing(client: AnyClient) -> None:
    denied = await client.authorize(order(quantity=Decimal("5.00001")))
    assert isinstance(denied, OrderDenied)
    assert denied.deny_code is DenyCode.BUDGET_EXCEEDED
    assert "1000.002" in denied.reason
    (budget,) = await client.budgets()
    assert (budget.allocated, budget.reserved, budget.available) == (Decimal(1000), Decimal(0), Decimal(1000))


@pytest.mark.parametrize(
    ("wrong", "expected", "code", "path"),
    [
        (order(quantity=Decimal(2)), Conflict, "AUTHORIZATION_CONFLICT", ()),
        (order("O-2", quantity=Decimal(0)), InvalidInput, "BAD_INPUT", ("input", "quantity")),
        (order("O-2", strategy=StrategyRef(name="None-000")), NotFound, "STRATEGY_NOT_FOUND", ()),
        (order("O-2", strategy=StrategyRef()), InvalidInput, "VALIDATION_FAILED", ()),
    ],
)
async def test_a_refusal_is_an_exception(
    client: AnyClient, wrong: AuthorizeOrderInput, expected: type[Exception], code: str, path: tuple[str, ...]
) -> None:
    await client.authorize(order())
    with pytest.raises(expected) as caught:
        await client.authorize(wrong)
    assert (caught.value.code, caught.value.path) == (code, path)


async def test_orders_are_decided_one_by_one(client: AnyClient, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"purser_client.{kind}.client.ORDERS_MAX", 3)
    orders = [order(f"O-{n}") for n in range(11)]
    orders[4] = order("O-4", quantity=Decimal(-1))
    *decided, last = await client.authorize_all(orders)
    assert [type(one) for one in decided] == [OrderAuthorized] * 4 + [InvalidInput] + [OrderAuthorized] * 5
    assert decided[4].path[0] == "inputs"
    assert isinstance(last, OrderAuthorized)
    (denied,) = await client.authorize_all([order("O-11")])
    assert isinstance(denied, OrderDenied)
    assert await client.authorize_all([]) == []


async def test_a_released_order_holds_nothing(client: AnyClient) -> None:
    await client.authorize(order())
    released = await client.release(STRATEGY, "O-1")
    assert released.order.authorization_status is AuthorizationStatus.RELEASED
    assert (await client.release(STRATEGY, "O-1")).is_repeated
    with pytest.raises(NotFound):
        await client.release(STRATEGY, "O-2")


async def test_lists_are_read_page_by_page(client: AnyClient) -> None:
    ids = [f"O-{n:02}" for n in range(10)]
    await client.authorize_all([order(one, quantity=Decimal("0.1")) for one in ids])
    by_id = [OrderSort(field=OrderSortField.CLIENT_ORDER_ID, direction=SortDirection.ASC)]
    for page_size in (1, 3, 10, 11):
        assert [one.client_order_id async for one in client.orders(order_by=by_id, page_size=page_size)] == ids
    chosen = OrderFilter(
        or_=[
            OrderFilter(client_order_id=StringFilter(in_=["O-03", "O-04"])),
            OrderFilter(quantity=DecimalFilter(gt=1)),
        ],
        not_=OrderFilter(client_order_id=StringFilter(eq="O-04")),
    )
    assert [one.client_order_id async for one in client.orders(chosen)] == ["O-03"]
    assert [one async for one in client.orders(OrderFilter(and_=[OrderFilter(side=OrderSide.SELL)]))] == []


async def test_amounts_are_exact_and_instants_have_nanoseconds(client: AnyClient) -> None:
    ts = 1_700_000_000_123_456_789
    fill = {"last_qty": Decimal("0.1"), "last_px": Decimal("0.30000000000000000001")}
    events = [published("OrderInitialized", 1, ts=ts), published("OrderFilled", 2, ts=ts + 1, **fill)]
    assert (await client.record(events)).accepted == 2
    (found,) = [one async for one in client.fills(FillFilter(currency=StringFilter(eq="USDT")))]
    assert (found.last_qty, found.last_px, found.ts_event) == (fill["last_qty"], fill["last_px"], ts + 1)
    assert str(found.ts_event) == "2023-11-14T22:13:20.123456790Z"
    stored = await client.order("O-1")
    assert (stored.ts_init, stored.ts_last) == (ts, ts + 1)
    assert await client.order("O-2") is None


@pytest.mark.parametrize("bytes_max", [20_000, 8_000_000])
async def test_a_recording_is_recorded_once_in_as_many_requests_as_needed(
    database_url: str, kind: str, bytes_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = gzip.decompress((DATA / "dev_spot.events.jsonl.gz").read_bytes()).splitlines()
    truth = json.loads((DATA / "dev_spot.truth.json").read_text())
    monkeypatch.setattr(recording, "EVENTS_MAX", 700)
    with running(database_url, graphql_mutation_bytes_max=bytes_max) as url:
        async with connected(kind, url) as client:
            first = await client.record(map(json.loads, lines))
            assert (first.accepted + first.duplicates, first.rejected, first.quarantined) == (len(lines), [], 0)
            again = await client.record(lines)
            assert (again.accepted, again.duplicates) == (0, len(lines))
            statuses = Counter([one.status.value async for one in client.orders(page_size=50)])
            assert statuses == truth["orders_by_status"]
            notional = sum([one.notional async for one in client.fills(page_size=50)])
            assert [str(notional)] == list(truth["notional_by_strategy_and_currency"].values())


async def test_refused_events_are_named_by_their_place(client: AnyClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "EVENTS_MAX", 2)
    events: list[Any] = [published("OrderInitialized", n, client_order_id=f"O-{n}") for n in range(1, 6)]
    events[3] = {"type": "Nothing"}
    events[4] = b'{"type": "OrderInitialized"}'
    recorded = await client.record(events)
    assert recorded.accepted == 3
    assert [one.index for one in recorded.rejected] == [3, 4]


@pytest.mark.parametrize("value", [math.nan, {"a": [1.0, math.inf]}, object(), "\ud800"])
async def test_what_json_cannot_express_is_refused(client: AnyClient, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        await client.record([published("OrderInitialized", 1), {**published("OrderInitialized", 2), "more": value}])
    assert caught.value.path[:2] == ("events", 1)
    signal = SignalInput(strategy=StrategyRef(name=STRATEGY), name="s", value=value, ts_event=Instant(1))
    with pytest.raises(InvalidInput):
        await client.record_signal(signal)
    assert (await client.summary()).signals == 0


async def test_signals_instruments_and_budgets(client: AnyClient) -> None:
    signal = SignalInput(strategy=StrategyRef(name=STRATEGY), name="cross", value={"up": True}, ts_event=Instant(5))
    recorded = await client.record_signal(signal)
    assert (recorded.value, recorded.ts_event, recorded.strategy.name) == ({"up": True}, 5, STRATEGY)
    assert [one async for one in client.signals()] == [recorded]
    terms = InstrumentInput(instrument_id="ES.CME", quote_currency="USD", settlement_currency="USD", multiplier=50)
    assert await client.record_instruments([terms]) == 1
    assert [(one.instrument_id, one.multiplier) async for one in client.instruments()] == [("ES.CME", Decimal(50))]
    strategy = await client.strategy(STRATEGY)
    assert await client.budget(strategy.strategy_id, "USD") is None
    budget = await client.set_budget(strategy.strategy_id, "USD", Decimal("0.01"))
    assert await client.budget(strategy.strategy_id, "USD") == budget
    assert (await client.delete_budget(STRATEGY, "USD")).currency == "USD"
    with pytest.raises(NotFound):
        await client.delete_budget(STRATEGY, "USD")
    assert [one.currency for one in await client.budgets(strategy_id=strategy.strategy_id)] == ["USDT"]
    actions = [one.action async for one in client.audit_log(page_size=2)]
    assert len(actions) >= 3


async def test_a_halt_denies_orders(client: AnyClient) -> None:
    await client.set_trading_state(TradingState.HALTED, scope=TradingScope.ALL)
    assert (await client.trading_state()).state is TradingState.HALTED
    denied = await client.authorize(order())
    assert (denied.deny_code, denied.strategy_state) == (DenyCode.TRADING_HALTED, TradingState.HALTED)
    done = await client.set_trading_state(TradingState.REDUCING, STRATEGY)
    assert [(one.own_state, one.state) for one in done.strategies] == [(TradingState.REDUCING, TradingState.HALTED)]
    with pytest.raises(InvalidInput):
        await client.set_trading_state(TradingState.ACTIVE)


async def test_any_document_is_executed(client: AnyClient) -> None:
    class Found(msgspec.Struct):
        strategyId: UUID

    query = "query ($name: String) { strategy(name: $name) { strategyId } }"
    expected = await client.strategy(STRATEGY)
    found = await client.execute(query, {"name": STRATEGY}, data_type=dict[str, Found | None])
    assert found["strategy"].strategyId == expected.strategy_id
    assert await client.execute(query, {"name": "None-000"}) == {"strategy": None}
    with pytest.raises(InvalidInput) as caught:
        await client.execute("{ nothing }")
    assert caught.value.code == "VALIDATION_FAILED"


async def test_keys_decide_what_is_allowed(database_url: str, service: str, kind: str) -> None:
    database = await Database.open(database_url)
    trader, viewer = [
        str(await keys.create_key(Context(database), LOCAL, role, role.value)) for role in (Role.TRADER, Role.VIEWER)
    ]
    await database.close()
    async with connected(kind, service, key=trader) as client:
        await client.record([published("OrderInitialized", 1)])
        with pytest.raises(Forbidden):
            await client.set_budget(STRATEGY, "USDT", Decimal(1))
    async with connected(kind, service, key=f"{viewer}\n") as client:
        assert [one.client_order_id async for one in client.orders()] == ["O-1"]
        with pytest.raises(Forbidden):
            await client.authorize(order())
    for key in (None, "pk_wrong"):
        async with connected(kind, service, key=key) as client:
            with pytest.raises(Unauthorized):
                await client.summary()
