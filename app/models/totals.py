"""Totals kept while events are applied, so that reading them scans no large table."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from app.models.columns import amount, instant


class FillTotal(SQLModel, table=True):
    """Fills of one strategy, UTC day, instrument, currency and side.

    A commission counts under its own currency: where that is not the fill's, the row of the commission's
    currency has its `total_fees` and no fills.
    """

    __tablename__ = "fill_totals"

    strategy_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    instrument_id: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    side: str = Field(primary_key=True)
    fills: int = Field(sa_type=BigInteger)
    quantity: Decimal = amount()
    notional: Decimal = amount()
    realized_pnl: Decimal = amount()
    total_fees: Decimal = amount()
    first_ts: int = instant()
    last_ts: int = instant()


class FillSum(SQLModel, table=True):
    """Fills of one strategy, instrument, currency and side, of all days: what `fill_totals` adds up to.

    Sums over the whole history read these: they are as many after ten years as after one.
    """

    __tablename__ = "fill_sums"

    strategy_id: UUID = Field(primary_key=True)
    instrument_id: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    side: str = Field(primary_key=True)
    fills: int = Field(sa_type=BigInteger)
    quantity: Decimal = amount()
    notional: Decimal = amount()
    realized_pnl: Decimal = amount()
    total_fees: Decimal = amount()
    first_ts: int = instant()
    last_ts: int = instant()


class OrderTotal(SQLModel, table=True):
    """How many orders of one strategy and instrument have a status."""

    __tablename__ = "order_totals"

    strategy_id: UUID = Field(primary_key=True)
    instrument_id: str = Field(primary_key=True)
    status: str = Field(primary_key=True)
    orders: int = Field(sa_type=BigInteger)


class PositionTotal(SQLModel, table=True):
    """How many positions of one strategy and instrument have a status."""

    __tablename__ = "position_totals"

    strategy_id: UUID = Field(primary_key=True)
    instrument_id: str = Field(primary_key=True)
    status: str = Field(primary_key=True)
    positions: int = Field(sa_type=BigInteger)


class TradeTotal(SQLModel, table=True):
    """Closed positions ("trades") of one strategy and UTC day of closing, by the position's currency.

    A trade is worth `realized_pnl - total_fees`: it wins above zero, loses below, and is neither at zero. `profit`
    is what the winners made, `loss` what the losers lost; both are never negative.
    """

    __tablename__ = "trade_totals"

    strategy_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    trades: int = Field(sa_type=BigInteger)
    wins: int = Field(sa_type=BigInteger)
    losses: int = Field(sa_type=BigInteger)
    profit: Decimal = amount()
    loss: Decimal = amount()


class SignalTotal(SQLModel, table=True):
    """How many signals a strategy has published under a name."""

    __tablename__ = "signal_totals"

    strategy_id: UUID = Field(primary_key=True)
    name: str = Field(primary_key=True)
    signals: int = Field(sa_type=BigInteger)
