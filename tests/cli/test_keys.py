"""`purser keys`, and the keys that `purser serve` accepts, in real processes."""

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
def place(database_url: str) -> Settings:
    """The settings of a database with the strategy ONE of two traders, and TWO of the first."""
    strategies = [("ONE", "A"), ("ONE", "B"), ("TWO", "A")]
    rows = [STRATEGY.format(id, *names) for id, names in zip(IDS, strategies, strict=True)]
    asyncio.run(execute(database_url, *rows))
    return {"PURSER_DATABASE_URL": database_url}


def stored(place: Settings, sql: str) -> Any:
    """One value in the database."""
    return asyncio.run(ask(place["PURSER_DATABASE_URL"], sql))


def create(place: Settings, *arguments: str) -> str:
    """The text of a new key: all that stdout has."""
    done = purser(place, "keys", "create", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_key_is_shown_once_and_kept_as_a_hash(place: Settings) -> None:
    text = create(place, "--role", "trader", "--name", "bot", "--strategy", "TWO", "--strategy", "B/ONE")
    key = read_key(text)
    assert key is not None
    row = stored(place, "SELECT api_keys::text FROM api_keys")
    assert key.id in row
    assert key.secret not in row
    bound = stored(place, "SELECT strategy_ids FROM api_keys")
    assert {str(id) for id in bound} == {str(IDS[1]), str(IDS[2])}
    listed = purser(place, "keys", "list").stdout
    assert key.secret not in listed
    assert re.search(rf"^{key.id}  bot   trader  B/ONE, A/TWO  20\d\d-\S+Z$", listed, re.MULTILINE)


def test_a_key_without_a_name_goes_by_its_id(place: Settings) -> None:
    key = read_key(create(place, "--role", "viewer"))
    assert key is not None
    assert re.search(rf"^{key.id}  {key.id}  viewer  all ", purser(place, "keys", "list").stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "says"),
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
def test_what_cannot_be_a_key_is_said_and_makes_none(place: Settings, arguments: list[str], says: str) -> None:
    create(place, "--role", "viewer", "--name", "taken")
    refused = purser(place, "keys", "create", "--role", "viewer", *arguments)
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", f"purser: {says}\n")
    assert stored(place, "SELECT count(*) FROM api_keys") == 1


def test_a_role_that_is_none_is_misuse(place: Settings) -> None:
    assert purser(place, "keys", "create", "--role", "god").returncode == 2


def id_of(key: str) -> str:
    read = read_key(key)
    assert read is not None
    return read.id


def test_a_key_is_revoked_once_by_id_or_explicitly_by_name(place: Settings) -> None:
    keys = [create(place, "--role", "admin", "--name", name) for name in ("one", "two")]
    for arguments, key, name in ((["--name", "one"], "one", "one"), ([id_of(keys[1])], id_of(keys[1]), "two")):
        assert purser(place, "keys", "revoke", *arguments).stdout.startswith(f"Revoked the key {key}.")
        revoked_at = stored(place, f"SELECT revoked_at FROM api_keys WHERE name = '{name}'")
        assert purser(place, "keys", "revoke", *arguments).stdout == f"The key {key} was already revoked.\n"
        assert stored(place, f"SELECT revoked_at FROM api_keys WHERE name = '{name}'") == revoked_at


def test_a_key_that_is_not_there_is_not_revoked(place: Settings) -> None:
    key = create(place, "--role", "admin", "--name", "one")
    for arguments, says in (
        (["one"], "No API key has the id 'one'; `purser keys list` shows ids, and `--name` revokes a key by its name."),
        (["--name", id_of(key)], f"No API key has the name '{id_of(key)}'."),
    ):
        refused = purser(place, "keys", "revoke", *arguments)
        assert (refused.returncode, refused.stderr) == (1, f"purser: {says}\n")
    for misused in ([], [id_of(key), "--name", "one"]):
        assert purser(place, "keys", "revoke", *misused).returncode == 2
    assert stored(place, "SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL") == 0


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


def test_keys_work_at_once_and_end_soon_in_every_process_while_the_service_runs(
    data_dir: Path, free_tcp_port: int
) -> None:
    """On the embedded server, which the commands share with the service."""
    place = {"PURSER_DATA_DIR": str(data_dir)}
    with serving(data_dir, free_tcp_port, "--workers", "2") as service:
        service.until_ready()
        assert status(service.address, None) == 200
        viewer, admin = (create(place, "--role", role, "--name", role) for role in ("viewer", "admin"))
        for key in (viewer, admin) * 5:
            assert status(service.address, key) == 200
        until(lambda: all(status(service.address, None) == 401 for _ in range(10)))
        assert installed_purser(place, "keys", "revoke", "--name", "viewer").returncode == 0
        until(lambda: all(status(service.address, viewer) in (401, 429) for _ in range(10)))
        assert status(service.address, admin) == 200
        said = service.stop()
    assert "no API key exists: only this machine has access" in said
    with serving_forked(data_dir, free_tcp_port) as service:
        service.until_ready()
        said = service.stop()
    assert "no API key exists" not in said
    assert purser(place, "keys", "revoke", "--name", "admin").returncode == 0
    with serving_forked(data_dir, free_tcp_port) as service:
        service.until_ready()
        said = service.stop()
    assert "every API key is revoked: no client has access" in said


def test_without_a_key_it_listens_on_the_loopback_only(
    no_data_dir: Path, free_tcp_port: int, database_url: str
) -> None:
    place = {"PURSER_DATABASE_URL": database_url}
    for name in ("one", "two"):
        with serving_forked(no_data_dir, free_tcp_port, "--host", "0.0.0.0", **place) as service:
            _, errors = service.process.communicate()
        assert service.process.returncode == 1
        assert errors == (
            "purser: Without a valid API key Purser listens on loopback addresses only, not on 0.0.0.0. "
            "Create a key first: purser keys create --role admin.\n"
        )
        # A revoked key does not count as a key.
        create(place, "--role", "admin", "--name", name)
        purser(place, "keys", "revoke", "--name", name)


def test_with_a_key_it_listens_everywhere(no_data_dir: Path, free_tcp_port: int, database_url: str) -> None:
    place = {"PURSER_DATABASE_URL": database_url}
    key = create(place, "--role", "viewer")
    with serving_forked(no_data_dir, free_tcp_port, "--host", "0.0.0.0", **place) as service:
        service.until_ready()
        assert status(service.address, None) == 401
        assert status(service.address, key) == 200
