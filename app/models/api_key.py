"""API keys, their roles and their strategies."""

from uuid import UUID

from sqlalchemy import ARRAY, UniqueConstraint, Uuid
from sqlmodel import Field, SQLModel

from app.models.columns import instant, one_of
from app.principal import Role


class ApiKey(SQLModel, table=True):
    """One key, of which only the hash of its secret is kept. Never deleted: names in the audit log stay true.

    `strategy_ids` null: all strategies.
    """

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("name"), one_of("api_keys", "role", Role))

    key_id: str = Field(primary_key=True)
    name: str
    role: str
    secret_hash: str
    strategy_ids: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid), nullable=True)
    created_at: int = instant()
    revoked_at: int | None = instant(default=None, nullable=True)
