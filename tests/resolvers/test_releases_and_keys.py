"""Giving orders up, and dealing in keys: what the audit log says of it."""

import pytest

from app.principal import Role
from app.resolvers import Context
from app.resolvers.authorizations import release_order
from app.resolvers.keys import create_key, revoke_key
from tests.ledger.gatekeeping import STRATEGY, TRADER
from tests.ledger.state import digest_of
from tests.resolvers.acting import ADMIN, ENGINE, STRATEGY_ID, audited, registered, with_order

pytestmark = pytest.mark.anyio


async def test_a_release_is_audited_once(context: Context) -> None:
    await with_order(context)
    assert await release_order(context, ENGINE, STRATEGY, "O-1") == (STRATEGY_ID, "USDT")
    actor, action, entity, before, after = (await audited(context))[-1]
    assert (actor, action, entity) == ("key:engine", "order.release", f"{STRATEGY_ID}/O-1")
    assert (before["authorizationStatus"], after["authorizationStatus"]) == ("GRANTED", "RELEASED")
    assert (before["remaining"], after["remaining"], after["currency"]) == ("100", "0", "USDT")
    said = await digest_of(context.database)
    assert await release_order(context, ENGINE, STRATEGY, "O-1") == (STRATEGY_ID, "USDT")
    assert await digest_of(context.database) == said


async def test_keys_are_audited_without_their_secrets(context: Context) -> None:
    await registered(context)
    key = await create_key(context, ADMIN, Role.TRADER, "bot", [STRATEGY])
    assert await revoke_key(context, ADMIN, "bot")
    said = await digest_of(context.database)
    assert not await revoke_key(context, ADMIN, key.id)
    assert await digest_of(context.database) == said
    made = {
        "keyId": key.id,
        "name": "bot",
        "role": "trader",
        "strategies": [f"{TRADER}/{STRATEGY}"],
        "isRevoked": False,
    }
    assert (await audited(context))[1:] == [
        ("key:ops", "key.create", key.id, None, made),
        ("key:ops", "key.revoke", key.id, made, made | {"isRevoked": True}),
    ]
    assert key.secret not in str(await audited(context))
