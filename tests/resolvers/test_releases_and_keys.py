"""Audit entries of released orders and of keys."""

from uuid import UUID

import pytest

from app.errors import BadInputError, StrategyNotFound
from app.principal import Role
from app.resolvers import Context
from app.resolvers.authorizations import release_order
from app.resolvers.keys import create_key, list_keys, revoke_key
from app.resolvers.strategies import register_strategy
from tests.ledger.authorizing import STRATEGY, TRADER
from tests.ledger.state import digest_of
from tests.ledger.test_record import rows
from tests.resolvers.scenarios import (
    ADMIN,
    ENGINE,
    STRATEGY_ID,
    audit_entries,
    prepare_order,
    refused,
    register_sample_strategy,
)

pytestmark = pytest.mark.anyio


async def test_a_release_is_audited_once(context: Context) -> None:
    await prepare_order(context)
    strategy_id, released = await release_order(context, ENGINE, STRATEGY, "O-1")
    assert (strategy_id, released.currency, released.is_repeated) == (STRATEGY_ID, "USDT", False)
    actor, action, entity, before, after = (await audit_entries(context))[-1]
    assert (actor, action, entity) == ("key:engine", "order.release", f"{STRATEGY_ID}/O-1")
    assert (before["authorizationStatus"], after["authorizationStatus"]) == ("GRANTED", "RELEASED")
    assert (before["remaining"], after["remaining"], after["currency"]) == ("100", "0", "USDT")
    digest = await digest_of(context.database)
    assert await release_order(context, ENGINE, STRATEGY, "O-1") == (STRATEGY_ID, released._replace(is_repeated=True))
    assert await digest_of(context.database) == digest


async def test_a_key_named_like_the_id_of_another_is_not_confused_with_it(context: Context) -> None:
    """Such names are refused now, but a stored key may have one."""
    first, second = [await create_key(context, ADMIN, Role.VIEWER, name) for name in ("first", "second")]
    await refused(context, BadInputError, create_key(context, ADMIN, Role.VIEWER, second.id))
    async with context.database.unit_of_work() as work:
        await work.execute("UPDATE api_keys SET name = $1 WHERE key_id = $2", second.id, first.id)
        await work.commit()
    assert await revoke_key(context, ADMIN, second.id)
    assert await revoked_keys(context) == {second.id}
    assert not await revoke_key(context, ADMIN, second.id)
    assert await revoke_key(context, ADMIN, second.id, by_name=True)
    assert await revoked_keys(context) == {first.id, second.id}


async def revoked_keys(context: Context) -> set[str]:
    """The ids of revoked keys."""
    return {key.key_id for key in await list_keys(context, ADMIN) if key.revoked_at is not None}


async def test_a_strategy_named_like_the_id_of_another_is_not_confused_with_it(context: Context) -> None:
    meant = await register_sample_strategy(context)
    decoy = await register_strategy(context, ADMIN, str(meant), TRADER)
    unknown = UUID(int=8)
    await register_strategy(context, ADMIN, str(unknown), TRADER)
    bound = {
        str(meant): meant,
        str(meant).upper(): meant,
        meant.hex: meant,
        str(decoy): decoy,
        f"{TRADER}/{meant}": decoy,
        STRATEGY: meant,
    }
    for strategy in bound:
        await create_key(context, ADMIN, Role.VIEWER, strategy, [strategy])
    stored = await rows(context.database, "SELECT name, strategy_ids FROM api_keys")
    assert {row["name"]: row["strategy_ids"] for row in stored} == {name: [one] for name, one in bound.items()}
    await refused(context, StrategyNotFound, create_key(context, ADMIN, Role.VIEWER, "x", [str(unknown)]))


async def test_keys_are_audited_without_their_secrets(context: Context) -> None:
    await register_sample_strategy(context)
    key = await create_key(context, ADMIN, Role.TRADER, "bot", [STRATEGY])
    assert await revoke_key(context, ADMIN, "bot", by_name=True)
    before = await digest_of(context.database)
    assert not await revoke_key(context, ADMIN, key.id)
    assert await digest_of(context.database) == before
    made = {
        "keyId": key.id,
        "name": "bot",
        "role": "trader",
        "strategies": [f"{TRADER}/{STRATEGY}"],
        "isRevoked": False,
    }
    assert (await audit_entries(context))[1:] == [
        ("key:ops", "key.create", key.id, None, made),
        ("key:ops", "key.revoke", key.id, made, made | {"isRevoked": True}),
    ]
    assert key.secret not in str(await audit_entries(context))
