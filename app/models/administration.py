"""Administration: API keys, the audit log, budgets with their journal, strategies and the state of all trading."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.columns import ZERO, amount, append_only, instant, one_of
from app.principal import Role
from app.rules.enums import BudgetOverReason, TradingState


class Strategy(SQLModel, table=True):
    """One strategy of one trader; its id is derived from both names (`rules.identity`).

    `event_seq` is the number of the last event that arrived; a writer locks the row before it raises it.
    `deducts_base_fees`: the strategy's engine deducts commissions in the base currency from the position.
    """

    __tablename__ = "strategies"
    __table_args__ = (UniqueConstraint("trader_id", "name"),)

    strategy_id: UUID = Field(primary_key=True)
    name: str
    trader_id: str
    state: str = one_of(TradingState, default="ACTIVE")
    created_at: int = instant()
    event_seq: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    deducts_base_fees: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


ALL = "ALL"
"""The only scope of a trading state."""


class TradingControl(SQLModel, table=True):
    """The state of all trading: one row, created by a migration. If it is missing, no order is granted.

    `since` and `actor` record the last change of the state; they are null before the first one.
    """

    __tablename__ = "trading_control"
    __table_args__ = (CheckConstraint(f"scope = '{ALL}'", name="trading_control_scope_known"),)

    scope: str = Field(primary_key=True)
    state: str = one_of(TradingState, default="ACTIVE")
    since: int | None = instant(default=None, nullable=True)
    actor: str | None = None


_IS_OVER = "reserved_orders + reserved_positions > allocated"


class Budget(SQLModel, table=True):
    """The capital that a strategy has reserved in one currency, and the budget that limits it.

    The first reservation or budget creates the row; `allocated` is null while no budget is set. After the first
    budget, each change of the row raises `version` and adds a row to the journal.
    """

    __tablename__ = "budgets"
    __table_args__ = (
        CheckConstraint("allocated >= 0", name="budgets_allocated_not_negative"),
        CheckConstraint("reserved_orders >= 0", name="budgets_reserved_orders_not_negative"),
        CheckConstraint("reserved_positions >= 0", name="budgets_reserved_positions_not_negative"),
        CheckConstraint("(allocated IS NULL) = (created_at IS NULL)", name="budgets_created"),
        CheckConstraint(f"(over_reason IS NOT NULL) = coalesce({_IS_OVER}, false)", name="budgets_over"),
    )

    strategy_id: UUID = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    allocated: Decimal | None = amount(default=None, nullable=True)
    reserved_orders: Decimal = amount(default=ZERO, sa_column_kwargs={"server_default": text("0")})
    reserved_positions: Decimal = amount(default=ZERO, sa_column_kwargs={"server_default": text("0")})
    over_reason: str | None = one_of(BudgetOverReason, default=None)
    version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    created_at: int | None = instant(default=None, nullable=True)
    updated_at: int = instant()


class BudgetJournalEntry(SQLModel, table=True):
    """One change of a budget. Append-only; versions count from 1 without a gap."""

    __tablename__ = "budget_journal"

    strategy_id: UUID = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_type=BigInteger)
    ts: int = instant()
    reason: str
    client_order_id: str | None = None
    allocated_before: Decimal = amount()
    allocated_after: Decimal = amount()
    reserved_before: Decimal = amount()
    reserved_after: Decimal = amount()


append_only(BudgetJournalEntry)


class ApiKey(SQLModel, table=True):
    """A key and its secret's hash; `strategy_ids` null: all. Never deleted: the audit log names keys."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("name"),)

    key_id: str = Field(primary_key=True)
    name: str
    role: str = one_of(Role)
    secret_hash: str
    strategy_ids: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid), nullable=True)
    created_at: int = instant()
    revoked_at: int | None = instant(default=None, nullable=True)


class AuditEntry(SQLModel, table=True):
    """One change by a user or key. Append-only, numbered without gaps; `hash` chains it to its predecessor."""

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
