"""The service's process is killed and started again while clients wait."""

import asyncio
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path

import pytest

from purser_client import OrderAuthorized, RetryPolicy
from tests.cli.conftest import forked_commands as forked_commands
from tests.cli.test_serve import Service, serving_forked
from tests.clients.python.conftest import STRATEGY, order
from tests.clients.python.test_updates import take
from tests.clients.python.threaded import connected
from tests.events import published

pytestmark = pytest.mark.anyio
PATIENT = RetryPolicy(attempts_max=200, wait_seconds=0.05, wait_seconds_max=0.3)


async def test_nothing_is_lost_or_done_twice_when_the_service_is_killed(
    kind: str, database_url: str, tmp_path: Path, free_tcp_port: int
) -> None:
    def start() -> AbstractContextManager[Service]:
        return serving_forked(tmp_path, free_tcp_port, PURSER_DATABASE_URL=database_url)

    async with connected(kind, f"http://127.0.0.1:{free_tcp_port}", retries=PATIENT) as client:
        with start() as service:
            await asyncio.to_thread(service.until_ready)
            await client.register_strategy(STRATEGY, "TRADER-001")
            await client.set_budget(STRATEGY, "USDT", Decimal(1000))
            following = asyncio.create_task(take(client.order_updates(after=await client.feed_cursor()), 4))
            first = await client.authorize(order("O-1"))
            service.process.kill()
        asked = [client.authorize(order("O-1")), client.authorize(order("O-2"))]
        reported = [published("OrderInitialized", n, client_order_id=f"O-{n}", strategy_id="Other-001") for n in (3, 4)]
        waiting = [asyncio.ensure_future(one) for one in (*asked, client.record(reported))]
        with start() as service:
            again, second, recorded = await asyncio.gather(*waiting)
            assert again.is_repeated
            assert again.decided_at == first.decided_at
            assert isinstance(second, OrderAuthorized)
            assert recorded.accepted == 2
            seen = [change.order.client_order_id for change in await following]
            assert sorted(seen) == ["O-1", "O-2", "O-3", "O-4"]
            assert sorted([one.client_order_id async for one in client.orders()]) == sorted(seen)
