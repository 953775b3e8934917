"""Two servers over the same rows: Purser, and plain graphql-core."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from app.database import Database
from app.database.embedded import EmbeddedServer
from tests.conftest import execute
from tests.differential.rows import GLOBAL_STATE, ROWS
from tests.reads.rows import insert
from tests.reads.serving import Client, serving

DATABASE = "differential"


@pytest.fixture(scope="session")
def random_url(server: EmbeddedServer, template: str) -> Iterator[str]:
    maintenance, url = server.url_of("postgres"), server.url_of(DATABASE)
    asyncio.run(execute(maintenance, f"CREATE DATABASE {DATABASE} TEMPLATE {template} STRATEGY FILE_COPY"))
    asyncio.run(_insert(url))
    yield url
    asyncio.run(execute(maintenance, f"DROP DATABASE {DATABASE} WITH (FORCE)"))


# What is compared is answers: random questions ask for more than any client should.
UNLIMITED = {
    "graphql_cost_max": 1_000_000_000,
    "graphql_depth_max": 200,
    "graphql_aliases_max": 10_000,
    "graphql_directives_max": 10_000,
    "graphql_fields_max": 10_000,
    "graphql_tokens_max": 1_000_000,
}


@pytest.fixture(scope="session")
async def purser(random_url: str) -> AsyncIterator[Client]:
    async with serving(random_url, **UNLIMITED) as (_, client):
        yield client


async def _insert(url: str) -> None:
    database = await Database.open(url)
    await insert(database, [row for table in ROWS.values() for row in table])
    async with database.unit_of_work() as work:
        await work.execute("UPDATE trading_control SET state = $1, since = $2, actor = $3", *GLOBAL_STATE.values())
        await work.commit()
    await database.close()
