"""Which history the change feed tells."""

from uuid import UUID

from sqlmodel import Field, SQLModel


class FeedEpoch(SQLModel, table=True):
    """One row. A restored backup is another history: its epoch is new, and cursors of the old one have expired."""

    __tablename__ = "feed_epoch"

    epoch: UUID = Field(primary_key=True)
