"""Many clients over several instances share one budget: it is never exceeded, and no acknowledged operation is lost."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from app.database import Database
from app.database.embedded import EmbeddedServer
from app.database.upgrade import connect, upgrade
from app.principal import LOCAL
from app.resolvers import Context
from app.resolvers.budgets import set_budget
from app.resolvers.events import record_instruments
from app.resolvers.strategies import register_strategy
from app.rules.valuation import InstrumentDefinition
from tests.cli.test_serve import Service, serving, until
from tests.race.connection import Connection
from tests.race.trading import INSTRUMENTS, STRATEGY, STRATEGY_ID, TRADER, Acknowledged, Trader

CLIENTS = 16
ALLOCATED = Decimal(5_000)

Fault = Callable[[Sequence[Service]], None]


@pytest.fixture
def instances(
    request: pytest.FixtureRequest, free_tcp_port_factory: Callable[[], int]
) -> Iterator[tuple[EmbeddedServer, list[Service]]]:
    """A PostgreSQL for the test, and two instances on it; in long tests each has two workers."""
    is_long = request.node.get_closest_marker("long") is not None
    # The tests that kill PostgreSQL need its acknowledged writes on disk.
    workers, is_durable = ("2", True) if is_long else ("1", False)
    with (
        tempfile.TemporaryDirectory(prefix="purser-race-") as directory,
        EmbeddedServer.start(Path(directory), durable=is_durable) as server,
        ExitStack() as stack,
    ):
        asyncio.run(upgrade(server.url))
        ports = [free_tcp_port_factory() for _ in range(2)]
        options = ("--workers", workers)
        services = []
        for port in ports:
            serving_it = serving(Path(directory), port, *options, PURSER_DATABASE_URL=server.url)
            services.append(stack.enter_context(serving_it))
            services[-1].until_ready()
        yield server, services


def test_a_budget_is_not_exceeded_by_sixteen_clients(instances: tuple[EmbeddedServer, list[Service]]) -> None:
    race(*instances, operations=2_000)


@pytest.mark.long
def test_a_budget_is_not_exceeded_in_a_hundred_thousand_operations(
    instances: tuple[EmbeddedServer, list[Service]],
) -> None:
    race(*instances, operations=100_000)


@pytest.mark.long
def test_a_budget_is_not_exceeded_when_an_instance_is_killed(instances: tuple[EmbeddedServer, list[Service]]) -> None:
    def kill(services: Sequence[Service]) -> None:
        services[1].process.kill()

    assert race(*instances, operations=20_000, fault=kill) > 0


@pytest.mark.long
def test_a_budget_is_not_exceeded_when_postgresql_is_killed(instances: tuple[EmbeddedServer, list[Service]]) -> None:
    def kill(services: Sequence[Service]) -> None:
        assert services[0].postmaster_pid is not None
        os.kill(services[0].postmaster_pid, signal.SIGKILL)

    assert race(*instances, operations=20_000, fault=kill) > 0


def race(server: EmbeddedServer, services: Sequence[Service], operations: int, fault: Fault = lambda *_: None) -> int:
    """Runs the operations with a fault halfway, and checks the ledger. Returns the number of repeated requests."""
    asyncio.run(prepare(server.url))
    ports = [int(service.address.rpartition(":")[2]) for service in services]
    acknowledged = Acknowledged()
    repeats = asyncio.run(trade(ports, operations, lambda: fault(services), acknowledged))
    until(lambda: asyncio.run(is_answering(server.url)))
    asyncio.run(check_ledger(server.url, acknowledged))
    verified = subprocess.run(
        [Path(sys.executable).with_name("purser"), "verify"],
        env=os.environ | {"PURSER_DATABASE_URL": server.url},
        capture_output=True,
        text=True,
    )
    assert verified.returncode == 0, verified.stdout
    return repeats


async def prepare(url: str) -> None:
    database = await Database.open(url)
    context = Context(database)
    definitions = [
        InstrumentDefinition(instrument_id=instrument, quote_currency="USDT", settlement_currency="USDT")
        for instrument in INSTRUMENTS
    ]
    await register_strategy(context, LOCAL, STRATEGY, TRADER)
    await record_instruments(context, LOCAL, definitions)
    await set_budget(context, LOCAL, STRATEGY_ID, "USDT", ALLOCATED)
    await database.close()


async def trade(ports: Sequence[int], operations: int, fault: Callable[[], None], acknowledged: Acknowledged) -> int:
    connections = [Connection(ports, number % len(ports)) for number in range(CLIENTS)]
    left = iter(range(operations))

    async def run_trader(number: int, connection: Connection) -> None:
        trader = Trader(number, connection, acknowledged)
        try:
            for place in left:
                if place == operations // 2:
                    fault()
                await trader.run_operation()
        finally:
            await connection.close()

    async with asyncio.TaskGroup() as tasks:
        for number, connection in enumerate(connections):
            tasks.create_task(run_trader(number, connection))
    return sum(connection.repeats for connection in connections)


async def is_answering(url: str) -> bool:
    try:
        await (await connect(url)).close()
    except (OSError, asyncpg.PostgresError):
        return False
    return True


async def check_ledger(url: str, acknowledged: Acknowledged) -> None:
    """Checks that no grant exceeded the budget, and that each acknowledged operation is stored once."""
    connection = await connect(url)
    [(beyond, most)] = await connection.fetch(
        "SELECT count(*) FILTER (WHERE reserved_after > allocated_after), max(reserved_after) "
        "FROM budget_journal WHERE reason = 'AUTHORIZED' AND reserved_after > reserved_before"
    )
    assert beyond == 0
    assert ALLOCATED * Decimal("0.9") < most <= ALLOCATED, "the budget was never fought for"
    events = await connection.fetch("SELECT event_id::text, client_order_id, type FROM order_events")
    await connection.close()
    decided = {"AuthorizationGranted": "OrderAuthorized", "AuthorizationDenied": "OrderDenied"}
    found = [(row["client_order_id"], decided[row["type"]]) for row in events if row["type"] in decided]
    assert len(found) == len(dict(found))
    assert dict(found) == acknowledged.decided
    assert set(acknowledged.decided.values()) == set(decided.values())
    released = [row["client_order_id"] for row in events if row["type"] == "AuthorizationReleased"]
    assert sorted(released) == sorted(acknowledged.released)
    recorded = [row["event_id"] for row in events if not row["type"].startswith("Authorization")]
    assert sorted(recorded) == sorted(acknowledged.recorded)
