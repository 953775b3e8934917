"""Subscriptions over connections that a proxy cuts: each change is received exactly once, in order."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from app.database import Database
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from graphql_schema.live import socket
from purser_client import (
    CursorExpired,
    InvalidInput,
    OrderFilter,
    RetryPolicy,
    StringFilter,
    TradingState,
    Unauthorized,
    Unavailable,
    subscription,
)
from purser_client.generated import operations
from purser_client.subscription import Subscription
from tests.clients.python.conftest import STRATEGY
from tests.clients.python.link import Link
from tests.clients.python.threaded import AnyClient, connected
from tests.events import published
from tests.feed.test_feed import END_CONNECTIONS

pytestmark = pytest.mark.anyio
QUICK = RetryPolicy(5, 0.01, 0.05)
ORDERS = 60
DEADLINE_SECONDS = 20.0


async def find(updates: AsyncGenerator[Any, None], is_wanted: Callable[[Any], object]) -> Any:
    """The next change of this kind; a cursor of the feed may be a moment old. Raises TimeoutError."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            if is_wanted(change := await anext(updates)):
                return change


async def first(updates: AsyncGenerator[Any, None], is_wanted: Callable[[Any], object]) -> Any:
    """The first change of this kind; the iterator is closed."""
    async with aclosing(updates):
        return await find(updates, is_wanted)


async def take(updates: AsyncGenerator[Any, None], number: int) -> list[Any]:
    """The first changes; the iterator is closed."""
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(updates):
        return [await anext(updates) for _ in range(number)]


def is_cap(allocated: int) -> Callable[[Any], bool]:
    return lambda change: change.budget is not None and change.budget.allocated == allocated


async def test_each_change_is_received_once_over_a_connection_that_is_cut(
    client: AnyClient, kind: str, link: Link
) -> None:
    async with connected(kind, link.address, retries=QUICK) as cut:
        following = asyncio.create_task(take(cut.order_updates(after=await client.feed_cursor()), ORDERS))
        for n in range(ORDERS):
            await client.record([published("OrderInitialized", n + 1, client_order_id=f"O-{n}")])
            if n % 4 == 0:
                link.cut()
            await asyncio.sleep(random.random() / 50)
        changes = await following
    assert [change.order.client_order_id for change in changes] == [f"O-{n}" for n in range(ORDERS)]
    assert len({change.cursor for change in changes}) == ORDERS
    assert link.connections > 2


async def test_a_connection_lost_before_the_first_change_loses_nothing(
    client: AnyClient, kind: str, link: Link
) -> None:
    async with connected(kind, link.address, retries=QUICK) as cut:
        following = asyncio.create_task(first(cut.budget_updates(), is_cap(7)))
        await link.until(lambda: link.texts == 3)  # connection_init, the question for the cursor, subscribe
        link.is_refusing = True
        link.cut()
        await client.set_budget(STRATEGY, "USDT", Decimal(7))
        link.is_refusing = False
        assert (await following).currency == "USDT"


async def test_a_silent_connection_is_renewed(
    client: AnyClient, kind: str, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "HEARTBEAT_SECONDS", 0.2)
    start = await client.feed_cursor()
    async with (
        connected(kind, link.address, retries=QUICK) as cut,
        aclosing(cut.strategy_updates(after=start)) as updates,
    ):
        await client.set_trading_state(TradingState.HALTED, STRATEGY)
        await find(updates, lambda change: change.strategy.state is TradingState.HALTED)
        link.freeze()
        await client.set_trading_state(TradingState.ACTIVE, STRATEGY)
        await find(updates, lambda change: change.strategy.state is TradingState.ACTIVE)
    assert link.connections == 2


async def test_every_kind_of_change_is_decoded(client: AnyClient) -> None:
    start = await client.feed_cursor()
    fill = {"last_qty": Decimal(1), "last_px": Decimal("100.5")}
    await client.record([published("OrderInitialized", 1), published("OrderFilled", 2, **fill)])
    await client.set_budget(STRATEGY, "EUR", Decimal(3))
    await client.delete_budget(STRATEGY, "EUR")
    assert (await first(client.fill_updates(after=start), bool)).fill.last_px == Decimal("100.5")
    assert (await first(client.position_updates(after=start), bool)).position.quantity == 1
    only = OrderFilter(client_order_id=StringFilter(eq="O-1"))
    assert (await first(client.order_updates(only, after=start), bool)).order.filled_qty == 1
    deleted = await first(client.budget_updates(after=start), lambda change: change.budget is None)
    assert deleted.currency == "EUR"
    entry = (await first(client.audit_updates(after=start), lambda change: change.entry.after is None)).entry
    assert (entry.actor, entry.entity_type) == ("local", "budget")


async def test_an_expired_cursor_ends_a_subscription(client: AnyClient, connection: asyncpg.Connection) -> None:
    async with aclosing(client.budget_updates(after=await client.feed_cursor())) as updates:
        await client.set_budget(STRATEGY, "USDT", Decimal(7))
        await find(updates, is_cap(7))
        await connection.execute("UPDATE feed_epoch SET epoch = gen_random_uuid()")
        await connection.execute(END_CONNECTIONS)
        with pytest.raises(CursorExpired):
            await find(updates, is_cap(8))
    with pytest.raises(InvalidInput):
        await first(client.budget_updates(after="nonsense"), bool)


async def test_a_revoked_key_ends_a_subscription(
    database_url: str, service: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "KEY_CHECK_SECONDS", 0.05)
    database = await Database.open(database_url)
    key = await keys.create_key(Context(database), LOCAL, Role.ADMIN, "dashboard")
    async with connected(kind, service, key=str(key)) as client:
        start = await client.feed_cursor()
        async with aclosing(client.strategy_updates(after=start)) as updates:
            await client.register_strategy(STRATEGY, "TRADER-001")
            await find(updates, bool)
            assert await keys.revoke_key(Context(database), LOCAL, key.id)
            with pytest.raises(Unauthorized):
                await find(updates, lambda _: False)
    await database.close()
    async with connected(kind, service) as client:
        with pytest.raises(Unauthorized):
            await first(client.strategy_updates(), bool)


async def test_a_service_that_was_never_reached_is_reported(kind: str, link: Link) -> None:
    link.is_refusing = True
    async with connected(kind, link.address, retries=QUICK) as client:
        with pytest.raises(Unavailable):
            await first(client.order_updates(), bool)
    assert link.connections == QUICK.attempts_max


async def test_closing_the_client_ends_its_iterators(kind: str, link: Link) -> None:
    async with connected(kind, link.address) as own:
        waiting = asyncio.create_task(find(own.order_updates(), bool))
        await link.until(lambda: link.texts == 3)
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_leaving_the_iterator_closes_the_connection(client: AnyClient, kind: str, link: Link) -> None:
    async with connected(kind, link.address) as own:
        async with aclosing(own.budget_updates(after=await client.feed_cursor())) as updates:
            await client.set_budget(STRATEGY, "USDT", Decimal(7))
            await find(updates, bool)
            assert link.is_open
        await link.until(lambda: not link.is_open)


def test_a_ping_of_the_protocol_is_answered() -> None:
    state: Subscription[Any] = Subscription(
        lambda after: operations.order_updates(after=after), None, "http://a", None, 1.0, QUICK
    )
    assert state.receive('{"type":"ping","payload":{"n":1}}') == ('{"type":"pong","payload":{"n":1}}', None)
    assert state.receive('{"type":"ping"}') == ('{"type":"pong"}', None)
