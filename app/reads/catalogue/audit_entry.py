"""The audit log."""

from app.models import AuditEntry
from app.reads.catalogue.registry import register
from app.reads.fields import instant, plain
from app.reads.filters import column
from app.reads.shape import Shape

AUDIT_ENTRY = register(
    Shape(
        name="AuditEntry",
        model=AuditEntry,
        fields={
            "id": plain("id"),
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
            "actor": column("actor"),
            "action": column("action"),
            "strategy_id": column("strategy_id"),
            "ts": column("ts"),
        },
        sorts={"ts": "ts"},
        ties=("id",),
    )
)
