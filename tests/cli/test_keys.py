"""`purser keys`, and its effect on `purser serve`, in real processes."""

import asyncio
import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.rules.api_keys import read_key
from tests.cli.processes import installed_purser, purser
from tests.cli.test_serve import ask, serving, serving_forked, until
from tests.conftest import execute

STRATEGY = "INSERT INTO strategies (strategy_id, name, trader_id, created_at) VALUES ('{}', '{}', '{}', 1)"
IDS = [UUID(int=number) for number in range(1, 4)]
BOTH = f"{IDS[0]}, {IDS[1]}"
LIKE_A_KEY = "A key's name must not look like a key or like a key's id; choose another name."


Settings = dict[str, str]


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings for a database with the strategy ONE of two traders, and TWO of the first."""
    strategies = [("ONE", "A"), ("ONE", "B"), ("TWO", "A")]
    rows = [STRATEGY.format(id, *names) for id, names in zip(IDS, strategies, strict=True)]
    asyncio.run(execute(database_url, *rows))
    return {"PURSER_DATABASE_URL": database_url}


def fetch_value(settings: Settings, sql: str) -> Any:
    """A single value from the database."""
    return asyncio.run(ask(settings["PURSER_DATABASE_URL"], sql))


def create_key(settings: Settings, *arguments: str) -> str:
    """Creates a key. Returns its text, which is the whole of stdout."""
    done = purser(settings, "keys", "create", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_key_is_shown_once_and_kept_as_a_hash(settings: Settings) -> None:
    text = create_key(settings, "--role", "trader", "--name", "bot", "--strategy", "TWO", "--strategy", "B/ONE")
    key = read_key(text)
    assert key is not None
    row = fetch_value(settings, "SELECT api_keys::text FROM api_keys")
    assert key.id in row
    assert key.secret not in row
    bound = fetch_value(settings, "SELECT strategy_ids FROM api_keys")
    assert {str(id) for id in bound} == {str(IDS[1]), str(IDS[2])}
    listed = purser(settings, "keys", "list").stdout
    assert key.secret not in listed
    assert re.search(rf"^{key.id}  bot   trader  B/ONE, A/TWO  20\d\d-\S+Z$", listed, re.MULTILINE)


def test_a_key_without_a_name_is_listed_by_its_id(settings: Settings) -> None:
    key = read_key(create_key(settings, "--role", "viewer"))
    assert key is not None
    assert re.search(rf"^{key.id}  {key.id}  viewer  all ", purser(settings, "keys", "list").stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategy", "NONE"], "No strategy has the id or name 'NONE'."),
        (
            ["--strategy", "ONE"],
            f"Several traders have a strategy named 'ONE' ({IDS[0]}, {IDS[1]}); choose one by its id.",
        ),
        (["--name", "taken"], "Another API key has or had the name 'taken'. Choose another name."),
        (["--name", "two\nlines"], "A key's name has 1 to 100 characters, all of them printable."),
        (["--name", " "], "A key's name has 1 to 100 characters, all of them printable."),
        (["--name", "0123456789abcdef"], LIKE_A_KEY),
        (["--name", "x" * 101], "A key's name has 1 to 100 characters, all of them printable."),
    ],
)
def test_an_invalid_key_is_refused_with_a_message(settings: Settings, arguments: list[str], message: str) -> None:
    create_key(settings, "--role", "viewer", "--name", "taken")
    refused = purser(settings, "keys", "create", "--role", "viewer", *arguments)
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", f"purser: {message}\n")
    assert fetch_value(settings, "SELECT count(*) FROM api_keys") == 1


def test_an_unknown_role_exits_with_2(settings: Settings) -> None:
    assert purser(settings, "keys", "create", "--role", "god").returncode == 2


def id_of(key: str) -> str:
    read = read_key(key)
    assert read is not None
    return read.id


def test_a_key_is_revoked_once_by_id_or_name(settings: Settings) -> None:
    keys = [create_key(settings, "--role", "admin", "--name", name) for name in ("one", "two")]
    for arguments, key, name in ((["--name", "one"], "one", "one"), ([id_of(keys[1])], id_of(keys[1]), "two")):
        assert purser(settings, "keys", "revoke", *arguments).stdout.startswith(f"Revoked the key {key}.")
        revoked_at = fetch_value(settings, f"SELECT revoked_at FROM api_keys WHERE name = '{name}'")
        assert purser(settings, "keys", "revoke", *arguments).stdout == f"The key {key} was already revoked.\n"
        assert fetch_value(settings, f"SELECT revoked_at FROM api_keys WHERE name = '{name}'") == revoked_at


def test_revoking_an_unknown_key_fails(settings: Settings) -> None:
    key = create_key(settings, "--role", "admin", "--name", "one")
    for arguments, message in (
        (["one"], "No API key has the id 'one'; `purser keys list` shows ids, and `--name` revokes a key by its name."),
        (["--name", id_of(key)], f"No API key has the name '{id_of(key)}'."),
    ):
        refused = purser(settings, "keys", "revoke", *arguments)
        assert (refused.returncode, refused.stderr) == (1, f"purser: {message}\n")
    for misuse in ([], [id_of(key), "--name", "one"]):
        assert purser(settings, "keys", "revoke", *misuse).returncode == 2
    assert fetch_value(settings, "SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL") == 0


def status(address: str, key: str | None) -> int:
    request = urllib.request.Request(
        f"{address}/graphql",
        json.dumps({"query": "{ summary { orders } }"}).encode(),
        {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_new_and_revoked_keys_take_effect_in_every_worker(data_dir: Path, free_tcp_port: int) -> None:
    """The service uses the embedded server, which it shares with the commands."""
    settings = {"PURSER_DATA_DIR": str(data_dir)}
    with serving(data_dir, free_tcp_port, "--workers", "2") as service:
        service.until_ready()
        assert status(service.address, None) == 200
        viewer, admin = (create_key(settings, "--role", role, "--name", role) for role in ("viewer", "admin"))
        for key in (viewer, admin) * 5:
            assert status(service.address, key) == 200
        until(lambda: all(status(service.address, None) == 401 for _ in range(10)))
        assert installed_purser(settings, "keys", "revoke", "--name", "viewer").returncode == 0
        until(lambda: all(status(service.address, viewer) in (401, 429) for _ in range(10)))
        assert status(service.address, admin) == 200
        log = service.stop()
    assert "no API key exists: only this machine has access" in log
    with serving_forked(data_dir, free_tcp_port) as service:
        service.until_ready()
        log = service.stop()
    assert "no API key exists" not in log
    assert purser(settings, "keys", "revoke", "--name", "admin").returncode == 0
    with serving_forked(data_dir, free_tcp_port) as service:
        service.until_ready()
        log = service.stop()
    assert "every API key is revoked: no client has access" in log


def test_without_a_key_the_service_listens_only_on_loopback_addresses(
    missing_data_dir: Path, free_tcp_port: int, database_url: str
) -> None:
    settings = {"PURSER_DATABASE_URL": database_url}
    for name in ("one", "two"):
        with serving_forked(missing_data_dir, free_tcp_port, "--host", "0.0.0.0", **settings) as service:
            _, errors = service.process.communicate()
        assert service.process.returncode == 1
        assert errors == (
            "purser: Without a valid API key Purser listens on loopback addresses only, not on 0.0.0.0. "
            "Create a key first: purser keys create --role admin.\n"
        )
        # A revoked key does not count.
        create_key(settings, "--role", "admin", "--name", name)
        purser(settings, "keys", "revoke", "--name", name)


def test_with_a_key_the_service_listens_on_all_interfaces(
    missing_data_dir: Path, free_tcp_port: int, database_url: str
) -> None:
    settings = {"PURSER_DATABASE_URL": database_url}
    key = create_key(settings, "--role", "viewer")
    with serving_forked(missing_data_dir, free_tcp_port, "--host", "0.0.0.0", **settings) as service:
        service.until_ready()
        assert status(service.address, None) == 401
        assert status(service.address, key) == 200
