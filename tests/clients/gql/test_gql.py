"""The library gql: the loop of docs/clients.md that resumes a subscription, over a connection that is cut."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport

from app.principal import Role
from tests.graphql_schema.live.test_principals import create_key_text, service_with_keys

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[3] / "docs" / "clients.md"
SET_BUDGET = gql("""mutation ($currency: String!) {
    setBudget(strategy: {name: "EMACross-000"}, currency: $currency, allocated: "1.10", newCurrency: true) {
        ... on BudgetSet { budget { allocated } }
    }
}""")
ANSWER_SECONDS_MAX = 30


@pytest.fixture
def budget_changes() -> Callable[[str, str, str | None], AsyncIterator[dict[str, Any]]]:
    """The function of the page."""
    (example,) = re.findall(r"## Python: gql\n.*?^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    function: Callable[[str, str, str | None], AsyncIterator[dict[str, Any]]] = names["budget_changes"]
    return function


async def test_a_change_while_the_connection_is_lost_arrives_exactly_once(
    database_url: str, budget_changes: Callable[..., AsyncIterator[dict[str, Any]]]
) -> None:
    async with service_with_keys(database_url) as (address, context), proxy(address) as (port, cut):
        key = await create_key_text(context, "operator", Role.ADMIN)
        http = HTTPXAsyncTransport(url=f"{address}/graphql", headers={"X-API-Key": key})
        async with Client(transport=http) as session, asyncio.timeout(ANSWER_SECONDS_MAX):
            after = (await session.execute(gql("{ feedCursor }")))["feedCursor"]
            changes = budget_changes(f"ws://127.0.0.1:{port}/graphql", key, after)
            seen = []
            for currency in ("ALPHA", "BRAVO", "CHARLIE", "DELTA"):
                if currency != "ALPHA":
                    await cut()
                request = GraphQLRequest(SET_BUDGET, variable_values={"currency": currency})
                result = await session.execute(request)
                assert result == {"setBudget": {"budget": {"allocated": "1.10"}}}
                seen.append((await anext(changes))["currency"])
            assert seen == ["ALPHA", "BRAVO", "CHARLIE", "DELTA"]
            await changes.aclose()


async def test_a_wrong_key_and_an_expired_cursor_end_the_loop(
    database_url: str, budget_changes: Callable[..., AsyncIterator[dict[str, Any]]]
) -> None:
    async with service_with_keys(database_url) as (address, context), asyncio.timeout(ANSWER_SECONDS_MAX):
        url = f"{address}/graphql".replace("http", "ws", 1)
        with pytest.raises(TransportConnectionFailed):
            await anext(budget_changes(url, "wrong", None))
        key = await create_key_text(context, "viewer")
        with pytest.raises(TransportQueryError, match="CURSOR_EXPIRED"):
            await anext(budget_changes(url, key, f"{'0' * 32}-1-1"))


@asynccontextmanager
async def proxy(address: str) -> AsyncIterator[tuple[int, Callable[[], Any]]]:
    """The port of a TCP proxy in front of the service, and a function that loses its connections."""
    running: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running[writer] = asyncio.current_task()
        service_reader, service_writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        await asyncio.gather(forward(reader, service_writer), forward(service_reader, writer))
        running.pop(writer, None)

    async def cut() -> None:
        for writer in list(running):
            writer.transport.abort()
        await asyncio.gather(*(task for task in running.values() if task))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], cut
        await cut()
