"""The audit log: actor, action, and the object before and after."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.append_only import append_only
from app.models.columns import instant


class AuditEntry(SQLModel, table=True):
    """One act of a person or a key. Append-only, numbered without a gap; `hash` chains it to the one before."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("audit_entries_ts", "ts", "id"), Index("audit_entries_strategy", "strategy_id", "ts", "id"))

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    ts: int = instant()
    actor: str
    action: str
    entity_type: str
    entity_id: str
    strategy_id: UUID | None = None
    before: Any = Field(default=None, sa_type=JSONB, nullable=True)
    after: Any = Field(default=None, sa_type=JSONB, nullable=True)
    request_id: str | None = None
    hash: str


append_only(AuditEntry)
