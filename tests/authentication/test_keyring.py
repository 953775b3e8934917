"""The keyring: how soon it follows the database, and how it behaves while the database is unreachable."""

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
    """Waits until a background task of the keyring has made the condition true."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():  # noqa: ASYNC110  (the keyring does not signal its reads)
            await asyncio.sleep(0.01)


async def create_bot_key(database: Database, name: str = "bot") -> KeyText:
    return await keys.create_key(Context(database), LOCAL, Role.TRADER, name)


@asynccontextmanager
async def open_keyring(
    database: Database, reload_seconds: float = NEVER, stale_seconds_max: float = NEVER
) -> AsyncIterator[Keyring]:
    keyring_ = await Keyring.open(database, reload_seconds, stale_seconds_max)
    try:
        yield keyring_
    finally:
        await keyring_.close()


async def test_the_keyring_finds_the_principal_of_a_key(database: Database) -> None:
    key = await create_bot_key(database)
    async with open_keyring(database) as keyring_:
        assert keyring_.find(key) == Principal(Role.TRADER, "key:bot")
        assert keyring_.find(KeyText(key.id, new_key().secret)) is None
        assert keyring_.find(new_key()) is None
        assert not keyring_.is_empty


async def test_a_revoked_key_is_refused_after_the_keyring_reloads(database: Database) -> None:
    key = await create_bot_key(database)
    async with open_keyring(database, SOON, NEVER) as keyring_:
        assert keyring_.has("key:bot")
        assert await keys.revoke_key(Context(database), LOCAL, key.id)
        await until(lambda: keyring_.find(key) is None)
        assert not keyring_.has("key:bot")
        assert keyring_.knows(key)
        assert not keyring_.is_empty  # losing the last key opens nothing


async def test_the_first_use_of_a_new_key_reloads_the_keyring(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "UNKNOWN_INTERVAL_SECONDS", SOON)
    async with open_keyring(database) as keyring_:
        assert keyring_.is_empty
        key = await create_bot_key(database)
        assert keyring_.find(key) is None
        await keyring_.read_for_unknown()
        assert keyring_.find(key) is not None


@pytest.mark.parametrize("outcome", [type(None), DatabaseUnavailable])
async def test_concurrent_lookups_of_unknown_keys_share_one_query(
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
    async with open_keyring(reader) as keyring_:
        monkeypatch.setattr(Keyring, "_read_over_pool", counted)
        if outcome is DatabaseUnavailable:
            await reader.close()
        outcomes = await asyncio.gather(*(keyring_.read_for_unknown() for _ in range(50)), return_exceptions=True)
        assert {type(each) for each in outcomes} == {outcome}
        assert readings == 1
    await reader.close()


async def test_keys_from_an_old_snapshot_do_not_replace_newer_ones(database_url: str, database: Database) -> None:
    key = await create_bot_key(database)
    async with (
        open_keyring(database, SOON) as keyring_,
        listening(database_url, "keys", lambda: None) as feed,
        feed.snapshot(),
    ):
        assert await feed.fetchval("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL") == 1
        assert await keys.revoke_key(Context(database), LOCAL, key.id)
        await until(lambda: keyring_.find(key) is None)
        await keyring_.load(feed)
        assert keyring_.find(key) is None


async def test_known_keys_stay_valid_for_a_while_without_the_database(database_url: str, database: Database) -> None:
    key = await create_bot_key(database)
    reader = await Database.open(database_url)
    async with open_keyring(reader) as keyring_:
        await reader.close()
        keyring_.require_fresh()
        assert keyring_.find(key) is not None
        with pytest.raises(DatabaseUnavailable):
            await keyring_.read_for_unknown()


async def test_known_keys_expire_when_the_database_stays_unreachable(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader = await Database.open(database_url)

    def is_stale(keyring_: Keyring) -> bool:
        try:
            keyring_.require_fresh()
        except DatabaseUnavailable:
            return True
        return False

    async with open_keyring(reader, SOON, 5 * SOON) as keyring_:
        await reader.close()
        await until(lambda: is_stale(keyring_))
        await until(lambda: "could not be read" in caplog.text)


async def test_the_keyring_loads_once_the_database_becomes_reachable(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "RETRY_SECONDS", SOON)
    monkeypatch.setattr(keyring, "START_SECONDS_MAX", SOON)
    key = await create_bot_key(database)
    is_available = False
    read = Database.read_latest

    def fail_until_available(self: Database) -> object:
        if not is_available:
            raise DatabaseUnavailable
        return read(self)

    monkeypatch.setattr(Database, "read_latest", fail_until_available)
    async with open_keyring(database) as keyring_:
        with pytest.raises(DatabaseUnavailable):
            keyring_.require_fresh()
        is_available = True
        await until(lambda: keyring_.find(key) is not None)
        keyring_.require_fresh()


async def test_opening_the_keyring_retries_until_the_keys_can_be_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "RETRY_SECONDS", SOON)
    tries = 0
    read = Database.read_latest

    def fail_until_available(self: Database) -> object:
        nonlocal tries
        tries += 1
        if tries < 5:
            raise DatabaseUnavailable
        return read(self)

    monkeypatch.setattr(Database, "read_latest", fail_until_available)
    async with open_keyring(database) as keyring_:
        keyring_.require_fresh()
