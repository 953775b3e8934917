"""Positions: computed from fills alone, in exact decimals."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import amount, finite, instant, one_of
from app.rules.enums import TRADED_SIDES, PositionSide, PositionStatus, Reconciliation


class Position(SQLModel, table=True):
    """One position: NETTING reuses a `position_id`, so `n` counts its generations from 1.

    `cost` is what the held quantity cost, in `currency`, the instrument's settlement currency; `close_qty` and
    `close_value` what was closed so far. `first_*` and `last_*` are the places of its opening and latest fill in
    the order of fills (`rules.positions.FillPlace`). `fills` counts its fills; `reconciliation` says whether the
    engine's own reports of it agree.
    """

    __tablename__ = "positions"
    __table_args__ = (
        *finite(
            "positions",
            "signed_qty",
            "peak_qty",
            "cost",
            "close_qty",
            "close_value",
            "avg_px_open",
            "avg_px_close",
            "realized_pnl",
            "total_fees",
        ),
        one_of("positions", "status", PositionStatus),
        one_of("positions", "entry", TRADED_SIDES),
        one_of("positions", "side", PositionSide),
        one_of("positions", "reconciliation", Reconciliation),
        Index("positions_ts_opened", "ts_opened", "position_id", "n", "strategy_id"),
        Index("positions_strategy_ts_opened", "strategy_id", "ts_opened", "position_id", "n"),
        Index("positions_open", "strategy_id", "instrument_id", postgresql_where=text("status = 'OPEN'")),
        Index("positions_status_ts_opened", "status", "ts_opened", "position_id", "n", "strategy_id"),
    )

    strategy_id: UUID = Field(primary_key=True)
    position_id: str = Field(primary_key=True)
    n: int = Field(primary_key=True)
    account_id: str
    instrument_id: str
    status: str
    entry: str
    side: str
    signed_qty: Decimal = amount()
    peak_qty: Decimal = amount()
    cost: Decimal = amount()
    close_qty: Decimal = amount()
    close_value: Decimal = amount()
    avg_px_open: Decimal = amount()
    avg_px_close: Decimal | None = amount(default=None, nullable=True)
    currency: str
    realized_pnl: Decimal = amount()
    total_fees: Decimal = amount()
    ts_opened: int = instant()
    ts_closed: int | None = instant(default=None, nullable=True)
    first_ts_init: int = instant()
    first_trade_seq: int = Field(sa_type=BigInteger)
    first_seq: int = Field(sa_type=BigInteger)
    last_ts_event: int = instant()
    last_ts_init: int = instant()
    last_trade_seq: int = Field(sa_type=BigInteger)
    last_seq: int = Field(sa_type=BigInteger)
    fills: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    reconciliation: str = Field(default="NOT_REPORTED", sa_column_kwargs={"server_default": "NOT_REPORTED"})
