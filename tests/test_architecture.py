"""docs/architecture.md names existing modules, and real requests call them in the order of its paths."""

import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest
import websockets

from app.database import Database
from tests.events import published
from tests.graphql_schema.authorization_documents import AUTHORIZE_ORDER, order_input
from tests.graphql_schema.service import running
from tests.ledger.authorizing import prepare

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
RECORD = "mutation ($events: [JSON!]!) { recordEvents(events: $events) { accepted } }"
READ = "{ orders(first: 10) { nodes { clientOrderId } } }"
SUBSCRIBE = "subscription ($after: String) { orders(after: $after) { cursor order { clientOrderId status } } }"

pytestmark = pytest.mark.anyio


def test_every_module_on_the_page_exists() -> None:
    named = re.findall(r"`((?:app|graphql_schema|rest_compat)/[^`]*)`", PAGE)
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(("section", "most"), [("An authorization", 12), ("An event", 20)])
def test_a_path_passes_few_modules(section: str, most: int) -> None:
    assert 5 < len(path_of(section)) <= most


async def test_requests_take_the_paths_on_the_page(database_url: str) -> None:
    database = await Database.open(database_url)
    await prepare(database)
    await database.close()
    trace = Trace()
    with trace.of_new_threads(), running(database_url) as url:
        async with httpx.AsyncClient(base_url=url) as client, subscribed(url, await cursor_of(client)) as socket:
            await execute_document(client, AUTHORIZE_ORDER, input=order_input(1))
            await next_event(socket)
            with trace.recorded() as modules:
                await execute_document(client, AUTHORIZE_ORDER, input=order_input(2))
            assert modules_not_reached(path_of("An authorization"), modules) == []
            await next_event(socket)

            await execute_document(client, RECORD, events=[published("OrderInitialized", 1)])
            await next_event(socket)
            with trace.recorded() as modules:
                await execute_document(client, RECORD, events=[published("OrderSubmitted", 2)])
                await next_event(socket)
            assert modules_not_reached(path_of("An event"), modules) == []

            await execute_document(client, READ)
            with trace.recorded() as modules:
                await execute_document(client, READ)
            assert modules_not_reached(path_of("A read"), modules) == []


def path_of(section: str) -> list[str]:
    """The modules in a section's table, in order."""
    return re.findall(r"^\| \d+ \| `([^`]+)` \|", SECTIONS[section], re.MULTILINE)


def modules_not_reached(expected: list[str], modules: list[str]) -> list[str]:
    """The expected modules from the first one that is not called after its predecessor."""
    called = iter(modules)
    for number, module in enumerate(expected):
        if module not in called:
            return expected[number:]
    return []


class Trace:
    """Records the project's modules whose functions are called by threads, in order."""

    def __init__(self) -> None:
        self._modules: list[str] | None = None

    @contextmanager
    def of_new_threads(self) -> Iterator[None]:
        """Profiles threads that start during the block."""
        threading.setprofile(self._note)
        yield
        threading.setprofile(None)

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        """The modules called during the block."""
        self._modules = modules = []
        yield modules
        self._modules = None

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        if self._modules is not None and event == "call":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(ROOT):
                self._modules.append(path.relative_to(ROOT).as_posix())


async def execute_document(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    """The data of the response, which must have no errors."""
    answer = (await client.post("/graphql", json={"query": document, "variables": variables})).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def cursor_of(client: httpx.AsyncClient) -> str:
    """The current cursor of the change feed."""
    return str((await execute_document(client, "{ feedCursor }"))["feedCursor"])


@asynccontextmanager
async def subscribed(url: str, after: str) -> AsyncIterator[websockets.ClientConnection]:
    """A WebSocket with a subscription to all orders that change after a cursor."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with websockets.connect(address, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": SUBSCRIBE, "variables": {"after": after}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield socket


async def next_event(socket: websockets.ClientConnection) -> None:
    """Waits for the next event."""
    message = json.loads(await socket.recv())
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
