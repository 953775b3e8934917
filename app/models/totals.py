"""Totals updated while events are applied, so that reading them scans no large table."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from app.models.columns import amount, instant


class FillTotal(SQLModel, table=True):
    """Fills of one strategy, UTC day, instrument, currency and side.

    A commission counts under its own currency: if it differs from the fill's, the row of the commission's currency has
    its `total_fees` and no fills.
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
    """Fills of one strategy, instrument, currency and side, of all days: the sums of `fill_totals`.

    Sums over the whole history read these rows, whose number does not grow with time.
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
    """The number of orders of one strategy and instrument with a status."""

    __tablename__ = "order_totals"

    strategy_id: UUID = Field(primary_key=True)
    instrument_id: str = Field(primary_key=True)
    status: str = Field(primary_key=True)
    orders: int = Field(sa_type=BigInteger)


class PositionTotal(SQLModel, table=True):
    """The number of positions of one strategy and instrument with a status."""

    __tablename__ = "position_totals"

    strategy_id: UUID = Field(primary_key=True)
    instrument_id: str = Field(primary_key=True)
    status: str = Field(primary_key=True)
    positions: int = Field(sa_type=BigInteger)


class TradeTotal(SQLModel, table=True):
    """Closed positions ("trades") of one strategy and UTC day of closing, by the position's currency.

    A trade's result is `realized_pnl - total_fees`: a win is above zero, a loss below. `profit` is the sum of the
    wins, `loss` of the losses; both are never negative.
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
    """The number of signals that a strategy published under a name."""

    __tablename__ = "signal_totals"

    strategy_id: UUID = Field(primary_key=True)
    name: str = Field(primary_key=True)
    signals: int = Field(sa_type=BigInteger)
