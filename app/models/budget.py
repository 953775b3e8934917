"""Budgets: what a strategy may reserve in a currency, and what it reserves."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, text
from sqlmodel import Field, SQLModel

from app.models.append_only import append_only
from app.models.columns import ZERO, amount, finite, instant, one_of
from app.rules.enums import BudgetOverReason

_IS_OVER = "reserved_orders + reserved_positions > allocated"


class Budget(SQLModel, table=True):
    """What a strategy reserves in one currency, and the budget that caps it, where one is set.

    A row exists once something was reserved, budget or not: `allocated` is null where none is set. From the first
    budget on each change raises `version` and writes a row of the journal, also while none is set any more.
    """

    __tablename__ = "budgets"
    __table_args__ = (
        *finite("budgets", "allocated", "reserved_orders", "reserved_positions"),
        CheckConstraint("allocated >= 0", name="budgets_allocated_not_negative"),
        CheckConstraint("reserved_orders >= 0", name="budgets_reserved_orders_not_negative"),
        CheckConstraint("reserved_positions >= 0", name="budgets_reserved_positions_not_negative"),
        CheckConstraint("(allocated IS NULL) = (created_at IS NULL)", name="budgets_created"),
        CheckConstraint(f"(over_reason IS NOT NULL) = coalesce({_IS_OVER}, false)", name="budgets_over"),
        one_of("budgets", "over_reason", BudgetOverReason),
    )

    strategy_id: UUID = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    allocated: Decimal | None = amount(default=None, nullable=True)
    reserved_orders: Decimal = amount(default=ZERO, sa_column_kwargs={"server_default": text("0")})
    reserved_positions: Decimal = amount(default=ZERO, sa_column_kwargs={"server_default": text("0")})
    over_reason: str | None = None
    version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    created_at: int | None = instant(default=None, nullable=True)
    updated_at: int = instant()


class BudgetJournalEntry(SQLModel, table=True):
    """One change of a budget. Append-only; versions count from 1 without a gap."""

    __tablename__ = "budget_journal"
    __table_args__ = finite(
        "budget_journal", "allocated_before", "allocated_after", "reserved_before", "reserved_after"
    )

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
