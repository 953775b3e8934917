"""Strategies."""

from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.models.columns import instant, one_of
from app.rules.enums import TradingState


class Strategy(SQLModel, table=True):
    """One strategy of one trader; its id is derived from both names (`rules.identity`).

    `event_seq` is the number of the last event that arrived; the writer that raises it holds the row's lock.
    `deducts_base_fees`: its engine takes commissions in the base currency off the position, as its reports show.
    """

    __tablename__ = "strategies"
    __table_args__ = (UniqueConstraint("trader_id", "name"), one_of("strategies", "state", TradingState))

    strategy_id: UUID = Field(primary_key=True)
    name: str
    trader_id: str
    state: str = Field(default="ACTIVE", sa_column_kwargs={"server_default": "ACTIVE"})
    created_at: int = instant()
    event_seq: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    deducts_base_fees: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
