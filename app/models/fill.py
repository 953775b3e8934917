"""Fills: what was traded, and what each fill realized."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.models.columns import amount, finite, instant, one_of, planned_as_rare
from app.rules.enums import TRADED_SIDES, LiquiditySide

NO_REPEAT = UUID(int=0)


class Fill(SQLModel, table=True):
    """One fill of one order. `realized_pnl` is gross of commission.

    `position_n` is the position (strategy, position_id, n) that the fill was applied to. A fill larger than
    the position closed it and opened n + 1 with the rest, `flip_qty`; else that is 0. `trade_seq` and `seq`
    order fills of one instant (`rules.positions`). `notional` is what the quantity was worth, in `settlement_currency`
    like `realized_pnl`; `currency` is what the price is in. A trade counts once in its order, unless an admin accepted
    another report of it as a trade of its own: `repeat_id` is that report's event then, else the nil UUID.
    """

    __tablename__ = "fills"
    __table_args__ = (
        *finite("fills", "last_qty", "last_px", "commission", "realized_pnl", "flip_qty", "notional"),
        CheckConstraint("last_qty > 0", name="fills_last_qty_positive"),
        one_of("fills", "side", TRADED_SIDES),
        one_of("fills", "liquidity_side", LiquiditySide),
        UniqueConstraint(
            "strategy_id",
            "client_order_id",
            "trade_id",
            "instrument_id",
            "account_id",
            "repeat_id",
            name="fills_trade",
        ),
        Index("fills_ts_event", "ts_event", "event_id", "strategy_id"),
        Index("fills_strategy_ts_event", "strategy_id", "ts_event", "event_id"),
        Index("fills_instrument_ts_event", "instrument_id", "ts_event", "event_id", "strategy_id"),
        # An order's fills in their order: with less, PostgreSQL walked all fills of the strategy while they were few.
        Index("fills_order", "strategy_id", "client_order_id", "ts_event", "event_id"),
        Index("fills_position", "strategy_id", "position_id", "ts_event", "ts_init", "trade_seq", "seq"),
    )

    strategy_id: UUID = Field(primary_key=True)
    event_id: UUID = Field(primary_key=True)
    trade_id: str
    client_order_id: str
    venue_order_id: str | None = None
    account_id: str
    instrument_id: str
    position_id: str
    position_n: int
    flip_qty: Decimal = amount()
    side: str
    last_qty: Decimal = amount()
    last_px: Decimal = amount()
    currency: str
    commission: Decimal = amount()
    commission_currency: str
    liquidity_side: str
    realized_pnl: Decimal = amount()
    ts_event: int = instant()
    ts_init: int = instant()
    trade_seq: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)
    settlement_currency: str
    notional: Decimal = amount()
    repeat_id: UUID = Field(default=NO_REPEAT, sa_column_kwargs={"server_default": str(NO_REPEAT)})


planned_as_rare(Fill, "instrument_id")
