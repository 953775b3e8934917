"""The keys in memory: how soon they follow the database, and their use while it is unreachable."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from app.authentication import keyring
from app.authentication.keyring import Keyring
from app.database import Database
from app.database.connections import listening
from app.errors import DatabaseUnavailable
from app.principal import LOCAL, Principal, Role
from app.resolvers import Context, keys
from app.rules.api_keys import KeyText, new_key

pytestmark = pytest.mark.anyio

NEVER = 3600.0
SOON = 0.05
DEADLINE_SECONDS = 30


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for a background task of the keyring."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():  # noqa: ASYNC110  (the keyring does not signal its reads)
            await asyncio.sleep(0.01)


async def make(database: Database, name: str = "bot") -> KeyText:
    return await keys.create_key(Context(database), LOCAL, Role.TRADER, name)


@asynccontextmanager
async def opened(
    database: Database, reload_seconds: float = NEVER, stale_seconds_max: float = NEVER
) -> AsyncIterator[Keyring]:
    ring = await Keyring.open(database, reload_seconds, stale_seconds_max)
    try:
        yield ring
    finally:
        await ring.close()


async def test_knows_whose_key_it_is(database: Database) -> None:
    key = await make(database)
    async with opened(database) as ring:
        assert ring.find(key) == Principal(Role.TRADER, "key:bot")
        assert ring.find(KeyText(key.id, new_key().secret)) is None
        assert ring.find(new_key()) is None
        assert not ring.is_empty


async def test_a_revoked_key_is_refused_when_the_keys_are_read_again(database: Database) -> None:
    key = await make(database)
    async with opened(database, SOON, NEVER) as ring:
        assert ring.has("key:bot")
        assert await keys.revoke_key(Context(database), LOCAL, key.id)
        await until(lambda: ring.find(key) is None)
        assert not ring.has("key:bot")
        assert ring.knows(key)
        assert not ring.is_empty  # losing the last key opens nothing


async def test_a_new_key_is_known_once_somebody_brings_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "UNKNOWN_INTERVAL_SECONDS", SOON)
    async with opened(database) as ring:
        assert ring.is_empty
        key = await make(database)
        assert ring.find(key) is None
        await ring.read_for_unknown()
        assert ring.find(key) is not None


@pytest.mark.parametrize("outcome", [type(None), DatabaseUnavailable])
async def test_many_unknown_keys_are_one_reading(
    database_url: str, monkeypatch: pytest.MonkeyPatch, outcome: type[object]
) -> None:
    monkeypatch.setattr(keyring, "UNKNOWN_INTERVAL_SECONDS", SOON)
    readings = 0
    read = Keyring._read_over_pool

    async def counted(self: Keyring) -> None:
        nonlocal readings
        readings += 1
        await read(self)

    reader = await Database.open(database_url)
    async with opened(reader) as ring:
        monkeypatch.setattr(Keyring, "_read_over_pool", counted)
        if outcome is DatabaseUnavailable:
            await reader.close()
        outcomes = await asyncio.gather(*(ring.read_for_unknown() for _ in range(50)), return_exceptions=True)
        assert {type(each) for each in outcomes} == {outcome}
        assert readings == 1
    await reader.close()


async def test_what_the_feed_reads_in_an_old_snapshot_does_not_undo_a_later_reading(
    database_url: str, database: Database
) -> None:
    key = await make(database)
    async with opened(database, SOON) as ring, listening(database_url, "keys", lambda: None) as feed, feed.snapshot():
        assert await feed.fetchval("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL") == 1
        assert await keys.revoke_key(Context(database), LOCAL, key.id)
        await until(lambda: ring.find(key) is None)
        await ring.load(feed)
        assert ring.find(key) is None


async def test_keys_are_trusted_for_a_while_without_the_database(database_url: str, database: Database) -> None:
    key = await make(database)
    reader = await Database.open(database_url)
    async with opened(reader) as ring:
        await reader.close()
        ring.require_fresh()
        assert ring.find(key) is not None
        with pytest.raises(DatabaseUnavailable):
            await ring.read_for_unknown()


async def test_keys_that_are_too_old_are_trusted_no_more(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    reader = await Database.open(database_url)

    def is_stale(ring: Keyring) -> bool:
        try:
            ring.require_fresh()
        except DatabaseUnavailable:
            return True
        return False

    async with opened(reader, SOON, 5 * SOON) as ring:
        await reader.close()
        await until(lambda: is_stale(ring))
        await until(lambda: "could not be read" in caplog.text)


async def test_a_database_that_comes_late_is_asked_again(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "RETRY_SECONDS", SOON)
    monkeypatch.setattr(keyring, "START_SECONDS_MAX", SOON)
    key = await make(database)
    is_there = False
    read = Database.read_latest

    def late(self: Database) -> object:
        if not is_there:
            raise DatabaseUnavailable
        return read(self)

    monkeypatch.setattr(Database, "read_latest", late)
    async with opened(database) as ring:
        with pytest.raises(DatabaseUnavailable):
            ring.require_fresh()
        is_there = True
        await until(lambda: ring.find(key) is not None)
        ring.require_fresh()


async def test_a_start_waits_for_keys_that_cannot_be_read_yet(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "RETRY_SECONDS", SOON)
    tries = 0
    read = Database.read_latest

    def late(self: Database) -> object:
        nonlocal tries
        tries += 1
        if tries < 5:
            raise DatabaseUnavailable
        return read(self)

    monkeypatch.setattr(Database, "read_latest", late)
    async with opened(database) as ring:
        ring.require_fresh()
