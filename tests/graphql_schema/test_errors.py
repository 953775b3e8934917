"""Faults: what goes wrong behind the API is told by a code, and by nothing of our insides."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from fastapi import FastAPI

from app.database import Database
from app.errors import DatabaseUnavailable
from app.resolvers import Context
from tests.conftest import execute
from tests.reads.serving import Client, serving

pytestmark = pytest.mark.anyio

ORDERS = "{orders(first:1){nodes{id}}}"
COUNT = "{summary{orders}}"


async def refused(client: Client, code: str, document: str = ORDERS) -> dict[str, str]:
    (error,) = (await client.graphql(document))["errors"]
    assert error["extensions"]["code"] == code
    typed: dict[str, str] = error
    return typed


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[None]:
    """A table that every statement has to wait for."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_an_internal_error_is_masked(
    own: tuple[FastAPI, Client], database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, client = own
    await asyncio.to_thread(asyncio.run, execute(database_url, "ALTER TABLE orders RENAME TO away"))
    with caplog.at_level(logging.ERROR):
        (error,) = (await client.graphql(ORDERS))["errors"]
    assert (error["message"], error["path"]) == ("Something went wrong on our side.", ["orders"])
    extensions = error["extensions"]
    assert list(extensions) == ["code", "errorId"]
    assert extensions["code"] == "INTERNAL"
    (record,) = [record for record in caplog.records if record.name == "purser.graphql"]
    assert extensions["errorId"] in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], asyncpg.UndefinedTableError)


async def test_an_error_before_execution_is_masked(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(database_url) as (app, client):
        context = app.state.context
        del app.state.context
        with caplog.at_level(logging.ERROR):
            response = await client.http.post("/graphql", json={"query": COUNT})
        app.state.context = context
    assert response.status_code == 500
    (error,) = response.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Something went wrong on our side.", "INTERNAL")
    assert error["extensions"]["errorId"] in caplog.text
    assert "context" not in response.text


async def test_a_slow_statement_is_a_timeout(database_url: str) -> None:
    async with serving(database_url, statement_timeout_seconds=0.2) as (_, client):
        await make_strategies_slow(database_url)
        await refused(client, "TIMEOUT", "{strategies{nodes{id}}}")
        response = await client.get("/api/trading/strategies")
        assert (response.status_code, response.json()["code"]) == (503, "TIMEOUT")
        assert (await client.query(COUNT))["summary"] == {"orders": 0}


async def test_several_slow_statements_are_a_timeout(database_url: str) -> None:
    async with serving(database_url, graphql_timeout_seconds=0.2, pool_size_max=2) as (_, client):
        await make_strategies_slow(database_url)
        roots = " ".join(f"a{number}: strategies {{ nodes {{ id }} }}" for number in range(5))
        answer = await client.graphql(f"{{ {roots} }}")
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["TIMEOUT"]
        assert answer["extensions"]["cost"]["requested"] == 500
        # Nothing of it goes on: both connections are free.
        assert (await client.query("{ a: summary { orders } b: summary { orders } }"))["b"] == {"orders": 0}


async def make_strategies_slow(url: str) -> None:
    """Put a view that sleeps in the place of a table: PostgreSQL itself works too long on the answer."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "ALTER TABLE strategies RENAME TO quick;"
            "CREATE VIEW strategies AS SELECT quick.* FROM (SELECT pg_sleep(60) OFFSET 0) slow LEFT JOIN quick ON true;"
            "GRANT SELECT ON strategies TO PUBLIC"
        )
    finally:
        await connection.close()


async def test_a_full_pool_is_busy(database_url: str) -> None:
    async with serving(database_url, pool_size_max=1, acquire_timeout_seconds=0.2) as (app, client):
        context: Context = app.state.context
        async with context.database.read():
            await refused(client, "BUSY")
            response = await client.get("/api/trading/orders")
            assert (response.status_code, response.json()["code"]) == (503, "NOT_READY")
        assert (await client.query(COUNT))["summary"] == {"orders": 0}


@pytest.mark.parametrize("api", ["graphql", "rest"])
async def test_a_connection_lost_during_a_statement_is_busy(database_url: str, api: str) -> None:
    async with serving(database_url) as (_, client), locked(database_url, "orders"):
        request = asyncio.create_task(
            client.http.post("/graphql", json={"query": ORDERS})
            if api == "graphql"
            else client.get("/api/trading/orders")
        )
        await terminate_waiting_backend(database_url)
        response = await request
    if api == "graphql":
        assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["BUSY"]
    else:
        assert (response.status_code, response.json()["code"]) == (503, "NOT_READY")


async def terminate_waiting_backend(url: str) -> None:
    """Terminate the backend that waits for the lock, once there is one."""
    connection = await asyncpg.connect(url)
    try:
        ended = 0
        while not ended:
            ended = await connection.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'purser'"
            )
    finally:
        await connection.close()


async def test_a_connection_lost_between_statements_is_replaced(own: tuple[FastAPI, Client], database_url: str) -> None:
    _, client = own
    await client.query(COUNT)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'purser'"
    )
    await connection.close()
    answer = await client.graphql(COUNT)
    assert {error["extensions"]["code"] for error in answer.get("errors", [])} <= {"BUSY"}
    assert (await client.query(COUNT))["summary"] == {"orders": 0}


async def test_wrong_arguments_are_an_internal_error(database: Database) -> None:
    with pytest.raises(asyncpg.InterfaceError):
        async with database.read() as connection:
            await connection.fetchval("SELECT $1::int")


async def test_a_closed_connection_is_an_unavailable_database(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        await query_closed_connection(database)


async def query_closed_connection(database: Database) -> None:
    async with database.read() as connection:
        await connection._raw.close()
        await connection.fetchval("SELECT 1")


async def test_a_terminated_connection_is_an_unavailable_database(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        await query_terminated_connection(database)


async def query_terminated_connection(database: Database) -> None:
    """PostgreSQL's last message has come, but the end of the connection has not yet."""
    fields = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
    async with database.read() as connection:
        await connection.fetchval("SELECT 1")
        connection._raw._con._protocol.data_received(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
        await connection.fetchval("SELECT 1")


async def test_a_connection_lost_in_a_transaction_changes_nothing(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        await end_own_backend(database)
    assert await number_of_strategies(database) == 0


async def end_own_backend(database: Database) -> None:
    async with database.unit_of_work() as work:
        await work.execute("SET LOCAL ROLE NONE")
        await work.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")


async def number_of_strategies(database: Database) -> int:
    async with database.read() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM strategies")
    return count
