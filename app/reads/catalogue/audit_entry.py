"""The audit log."""

from app.models import AuditEntry
from app.reads.catalogue.registry import register
from app.reads.entity import Entity
from app.reads.fields import instant, node_id, plain
from app.reads.filters import column

_KEY = ("id",)

AUDIT_ENTRY = register(
    Entity(
        name="AuditEntry",
        model=AuditEntry,
        fields={
            "id": node_id("AuditEntry", _KEY),
            "number": plain("id"),
            "ts": instant("ts"),
            "actor": plain("actor"),
            "action": plain("action"),
            "entity_type": plain("entity_type"),
            "entity_id": plain("entity_id"),
            "strategy_id": plain("strategy_id"),
            "before": plain("before"),
            "after": plain("after"),
            "request_id": plain("request_id"),
            "hash": plain("hash"),
        },
        filters={
            "id": column("id"),
            "actor": column("actor"),
            "action": column("action"),
            "strategy_id": column("strategy_id"),
            "ts": column("ts"),
        },
        sorts={"ts": "ts"},
        ties=("id",),
        key=_KEY,
    )
)
