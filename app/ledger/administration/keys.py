"""Creates, lists and revokes API keys. The stored hash does not reveal the key."""

import time
from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct, convert
from msgspec.structs import replace
from sqlalchemy import select, update

from app.database import ReadConnection, WriteConnection
from app.errors import BadInputError, KeyNameTaken, KeyNotFound, StrategyAmbiguous, StrategyNotFound
from app.ledger.storage.audit_log import Action, AuditedState, AuditRecord, described, record
from app.ledger.storage.queries import parameter, sql
from app.ledger.storage.row_mapping import table_of
from app.ledger.storage.row_writes import feed_write
from app.ledger.storage.writing import write
from app.models.administration import ApiKey, Strategy
from app.principal import Principal, Role
from app.rules.api_keys import KeyText, hash_of, is_like_a_key, new_key
from app.rules.identity import read_uuid

NAME_CHARACTERS_MAX = 100

_INSERT = """
    INSERT INTO api_keys (key_id, name, role, secret_hash, strategy_ids, created_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (name) DO NOTHING RETURNING key_id
"""
_LIST = """
    SELECT key_id, name, role, created_at, revoked_at,
        (SELECT array_agg(coalesce(strategies.trader_id || '/' || strategies.name, bound.id::text) ORDER BY position)
         FROM unnest(strategy_ids) WITH ORDINALITY AS bound (id, position)
         LEFT JOIN strategies ON strategies.strategy_id = bound.id) AS strategies
    FROM api_keys
"""
_KEYS, _STRATEGIES = table_of(ApiKey), table_of(Strategy).c
_REVOKE = sql(update(_KEYS).values(revoked_at=parameter(2)).where(_KEYS.c.key_id == parameter(1)))
_STRATEGY_WITH_ID = sql(select(_STRATEGIES.strategy_id).where(_STRATEGIES.strategy_id == parameter(1)))
_STRATEGIES_NAMED = """
    SELECT strategy_id FROM strategies WHERE $1 IN (name, trader_id || '/' || name) ORDER BY 1
"""


class KeyRecord(Struct, frozen=True):
    """A key without its secret. `strategies` is None for a key of all strategies."""

    key_id: str
    name: str
    role: Role
    strategies: tuple[str, ...] | None
    created_at: int
    revoked_at: int | None


async def create(
    work: WriteConnection, principal: Principal, role: Role, name: str | None, strategies: Sequence[str]
) -> KeyText:
    """Create a key for these strategies, or for all if none is named. The default name is the key's id.

    A strategy is given by id, name or TRADER/NAME; text in the form of a UUID is always an id. Raises BadInputError,
    KeyNameTaken, StrategyNotFound, StrategyAmbiguous.
    """
    key = new_key()
    name = key.id if name is None else name
    if name != key.id and is_like_a_key(name):
        raise BadInputError("A key's name must not look like a key or like a key's id; choose another name.")
    if not name.isprintable() or not name.strip() or len(name) > NAME_CHARACTERS_MAX:
        raise BadInputError(f"A key's name has 1 to {NAME_CHARACTERS_MAX} characters, all of them printable.")
    strategy_ids = sorted({await _strategy_id(work, strategy) for strategy in strategies}) if strategies else None
    stored = (key.id, name, role, hash_of(key.secret), strategy_ids, time.time_ns())
    if await work.fetchval(_INSERT, *stored) is None:
        raise KeyNameTaken(name)
    made = await work.fetchrow(f"{_LIST} WHERE key_id = $1", key.id)
    assert made is not None
    await write(work, [feed_write(keys=[key.id])])
    after = _described(convert(dict(made), KeyRecord))
    await record(work, principal, AuditRecord(Action.KEY_CREATE, "key", key.id, None, None, after))
    return key


async def list_all(connection: ReadConnection) -> list[KeyRecord]:
    """All keys, including revoked ones, oldest first."""
    return [convert(dict(row), KeyRecord) for row in await connection.fetch(f"{_LIST} ORDER BY created_at, key_id")]


async def revoke(work: WriteConnection, principal: Principal, key: str, *, by_name: bool) -> KeyRecord | None:
    """Revoke the key with this id or name. Returns it as it was; None if revoked before. Raises KeyNotFound."""
    column = "name" if by_name else "key_id"
    row = await work.fetchrow(f"{_LIST} WHERE {column} = $1 FOR UPDATE OF api_keys", key)
    if row is None:
        raise KeyNotFound(key, by_name=by_name)
    if row["revoked_at"] is not None:
        return None
    before = convert(dict(row), KeyRecord)
    after = replace(before, revoked_at=time.time_ns())
    await work.execute(_REVOKE, before.key_id, after.revoked_at)
    await write(work, [feed_write(keys=[before.key_id])])
    entry = AuditRecord(Action.KEY_REVOKE, "key", before.key_id, None, _described(before), _described(after))
    await record(work, principal, entry)
    return before


async def _strategy_id(connection: ReadConnection, strategy: str) -> UUID:
    strategy_id = read_uuid(strategy)
    if strategy_id is not None:
        if await connection.fetchval(_STRATEGY_WITH_ID, strategy_id) is None:
            raise StrategyNotFound(strategy_id)
        return strategy_id
    found = [row["strategy_id"] for row in await connection.fetch(_STRATEGIES_NAMED, strategy)]
    if not found:
        raise StrategyNotFound(strategy)
    if len(found) > 1:
        raise StrategyAmbiguous(strategy, found)
    return UUID(str(found[0]))


def _described(key: KeyRecord) -> AuditedState:
    strategies = None if key.strategies is None else list(key.strategies)
    is_revoked = key.revoked_at is not None
    return {**described(key, "key_id", "name", "role"), "strategies": strategies, "isRevoked": is_revoked}
