"""What all trading may do, beside each strategy's own state."""

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from app.models.columns import instant, one_of
from app.rules.enums import TradingState

ALL = "ALL"
"""The only scope there is."""


class TradingControl(SQLModel, table=True):
    """One row, made by a migration. Where it is missing, nothing may trade.

    `since` and `actor` say when and by whom the state was set last; null until it was.
    """

    __tablename__ = "trading_control"
    __table_args__ = (
        CheckConstraint(f"scope = '{ALL}'", name="trading_control_scope_known"),
        one_of("trading_control", "state", TradingState),
    )

    scope: str = Field(primary_key=True)
    state: str = Field(default="ACTIVE", sa_column_kwargs={"server_default": "ACTIVE"})
    since: int | None = instant(default=None, nullable=True)
    actor: str | None = None
