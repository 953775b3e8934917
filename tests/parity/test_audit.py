"""Audit entries of mutations, read over GraphQL and REST."""

from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI

from app.ledger.storage.audit_log import Action
from app.principal import Principal, Role
from app.resolvers import Context
from app.resolvers.budgets import set_budget
from app.resolvers.strategies import register_strategy
from rest_compat import schemas
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

ADMIN = Principal(Role.ADMIN, "key:ops", request_id="r-1")


async def test_audit_entries_are_equal_over_both_apis(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    context: Context = app.state.context
    strategy_id = str(await register_strategy(context, ADMIN, "EMACross-000", "TRADER-001"))
    for allocated in ("1000.50", "2E+3"):
        await set_budget(context, ADMIN, "EMACross-000", "USDT", Decimal(allocated))
    response = await client.get("/api/trading/audit")
    assert (response.status_code, response.headers["x-total-count"]) == (200, "3")
    entries: list[dict[str, Any]] = response.json()
    assert [list(entry) for entry in entries] == [list(schemas.AuditEntry.model_fields)] * 3
    newest = entries[0]
    assert (newest["id"], newest["actor"], newest["action"]) == (3, "key:ops", Action.BUDGET_SET)
    assert (newest["entity_type"], newest["entity_id"]) == ("budget", f"{strategy_id}/USDT")
    assert (newest["strategy_id"], newest["request_id"]) == (strategy_id, "r-1")
    assert (newest["before"]["allocated"], newest["after"]["allocated"]) == ("1000.50", "2000")
    assert (entries[2]["before"], entries[2]["after"]["state"]) == (None, "ACTIVE")

    found = await client.query(
        '{ auditLog(filter: {action: {eq: "budget.set"}}) { nodes { id ts before after hash strategyId } } }'
    )
    for node, entry in zip(found["auditLog"]["nodes"], entries[:2], strict=True):
        assert len(node.pop("hash")) == 64
        opaque = b64encode(f"AuditEntry:{entry['id']}".encode()).decode()
        same = {name: entry[name] for name in ("ts", "before", "after")}
        assert node == {"id": opaque, "strategyId": strategy_id, **same}
