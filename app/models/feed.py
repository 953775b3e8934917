"""The change feed: which objects changed, in commit order, for subscriptions and caches."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "xid8"


class Change(SQLModel, table=True):
    """One object that a transaction changed. Append-only.

    A reader takes rows with `xid < pg_snapshot_xmin(pg_current_snapshot())` in the order (xid, id): a plain `id >
    last` misses rows of transactions that commit late.
    """

    __tablename__ = "changes"
    __table_args__ = (Index("changes_feed", "xid", "id"),)

    strategy_id: UUID = Field(primary_key=True)
    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=False)])
    xid: int = Field(sa_type=Xid8, sa_column_kwargs={"server_default": text("pg_current_xact_id()")})
    entity: str
    key: str


class FeedEpoch(SQLModel, table=True):
    """One row. A restored backup begins another history, with a new epoch: cursors of the old one expire."""

    __tablename__ = "feed_epoch"

    epoch: UUID = Field(primary_key=True)
