"""Instruments whose fills and positions an older release valued: the next start computes them anew."""

from sqlmodel import Field, SQLModel


class PendingRevaluation(SQLModel, table=True):
    """One instrument that a migration listed for `ledger.revaluation`. Empty but for the first start after it."""

    __tablename__ = "pending_revaluations"

    instrument_id: str = Field(primary_key=True)
