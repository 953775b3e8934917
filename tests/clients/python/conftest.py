from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from purser_client import AuthorizeOrderInput, OrderSide, OrderType, StrategyRef
from tests.clients.python.link import Link, linked
from tests.clients.python.threaded import AnyClient, connected
from tests.graphql_schema.service import running

STRATEGY = "EMACross-000"


@pytest.fixture
def service(database_url: str) -> Iterator[str]:
    """The URL of a service over an empty database."""
    with running(database_url) as address:
        yield address


@pytest.fixture
async def link(service: str) -> AsyncIterator[Link]:
    """A proxy to the service."""
    async with linked(service) as link:
        yield link


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the service's database."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture(params=["synchronous", "asynchronous"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def client(kind: str, service: str) -> AsyncIterator[AnyClient]:
    """A client of each kind, of the service with a strategy that has a budget of 1000 USDT."""
    async with connected(kind, service) as client:
        await client.register_strategy(STRATEGY, "TRADER-001")
        await client.set_budget(STRATEGY, "USDT", Decimal(1000))
        yield client


def order(client_order_id: str = "O-1", **fields: Any) -> AuthorizeOrderInput:
    """An order that needs 100 USDT."""
    given: dict[str, Any] = {
        "strategy": StrategyRef(name=STRATEGY),
        "client_order_id": client_order_id,
        "instrument_id": "BTCUSDT-PERP.BINANCE",
        "side": OrderSide.BUY,
        "type": OrderType.LIMIT,
        "quantity": Decimal("0.5"),
        "price": Decimal(200),
        "currency": "USDT",
    }
    return AuthorizeOrderInput(**given | fields)
