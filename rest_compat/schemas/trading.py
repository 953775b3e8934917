"""Schemas of `/api/trading`."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from app.rules.enums import (
    LiquiditySide,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    PositionStatus,
    TimeInForce,
    TradingState,
)
from rest_compat.schemas.scalars import INSTANT, LATER, ORDER_ID, STRATEGY_ID, Amount, Document, Instant, example


class Strategy(BaseModel):
    """A strategy of a trader."""

    model_config = example(
        strategy_id=STRATEGY_ID,
        name="EMACross-000",
        trader_id="TRADER-001",
        state="ACTIVE",
        created_at=INSTANT,
    )

    strategy_id: UUID
    name: str
    trader_id: str
    state: TradingState
    created_at: Instant


class Order(BaseModel):
    """The current state of an order."""

    model_config = example(
        client_order_id=ORDER_ID,
        venue_order_id="BINANCE-1-001",
        strategy_id=STRATEGY_ID,
        strategy_name="EMACross-000",
        trader_id="TRADER-001",
        account_id="BINANCE-001",
        instrument_id="BTCUSDT-PERP.BINANCE",
        position_id="BTCUSDT-PERP.BINANCE-EMACross-000",
        side="BUY",
        order_type="LIMIT",
        time_in_force="GTC",
        status="PARTIALLY_FILLED",
        quantity=0.6,
        filled_qty=0.2,
        leaves_qty=0.4,
        price=46209.0,
        trigger_price=None,
        avg_px=46209.0,
        reduce_only=False,
        post_only=False,
        deny_reason=None,
        tags=["entry"],
        ts_init=INSTANT,
        ts_last=LATER,
    )

    client_order_id: str
    venue_order_id: str | None
    strategy_id: UUID
    strategy_name: str
    trader_id: str
    account_id: str | None
    instrument_id: str
    position_id: str | None
    side: OrderSide
    order_type: OrderType
    time_in_force: TimeInForce
    status: OrderStatus
    quantity: Amount
    filled_qty: Amount
    leaves_qty: Amount
    price: Amount | None
    trigger_price: Amount | None
    avg_px: Amount | None
    reduce_only: bool
    post_only: bool
    deny_reason: str | None
    tags: list[str]
    ts_init: Instant
    ts_last: Instant


class Fill(BaseModel):
    """A fill of an order."""

    model_config = example(
        trade_id="BINANCE-1-003",
        client_order_id=ORDER_ID,
        venue_order_id="BINANCE-1-001",
        strategy_id=STRATEGY_ID,
        strategy_name="EMACross-000",
        account_id="BINANCE-001",
        instrument_id="BTCUSDT-PERP.BINANCE",
        position_id="BTCUSDT-PERP.BINANCE-EMACross-000",
        side="BUY",
        last_qty=0.2,
        last_px=46209.0,
        currency="USDT",
        commission=1.84836,
        commission_currency="USDT",
        liquidity_side="MAKER",
        realized_pnl=0.0,
        event_id="ccad5538-2b9c-47bb-a083-9983e1e42b97",
        ts_event=LATER,
    )

    trade_id: str
    client_order_id: str
    venue_order_id: str | None
    strategy_id: UUID
    strategy_name: str
    account_id: str
    instrument_id: str
    position_id: str
    side: OrderSide
    last_qty: Amount
    last_px: Amount
    currency: Annotated[str, Field(description="Currency of `last_px`.")]
    commission: Amount
    commission_currency: str
    liquidity_side: LiquiditySide
    realized_pnl: Annotated[Amount, Field(description="Before commission, in the instrument's settlement currency.")]
    event_id: UUID
    ts_event: Instant


class Position(BaseModel):
    """A position, computed from its fills."""

    model_config = example(
        position_id="BTCUSDT-PERP.BINANCE-EMACross-000",
        strategy_id=STRATEGY_ID,
        strategy_name="EMACross-000",
        account_id="BINANCE-001",
        instrument_id="BTCUSDT-PERP.BINANCE",
        status="OPEN",
        entry="BUY",
        side="LONG",
        signed_qty=0.2,
        quantity=0.2,
        peak_qty=0.6,
        avg_px_open=46209.0,
        avg_px_close=None,
        currency="USDT",
        realized_pnl=0.0,
        total_fees=1.84836,
        ts_opened=LATER,
        ts_closed=None,
        duration_ns=None,
    )

    position_id: str
    strategy_id: UUID
    strategy_name: str
    account_id: str
    instrument_id: str
    status: PositionStatus
    entry: OrderSide
    side: PositionSide
    signed_qty: Amount
    quantity: Amount
    peak_qty: Amount
    avg_px_open: Amount
    avg_px_close: Amount | None
    currency: str
    realized_pnl: Annotated[Amount, Field(description="Before commissions, which are `total_fees`.")]
    total_fees: Amount
    ts_opened: Instant
    ts_closed: Instant | None
    duration_ns: Annotated[int | None, Field(description="From opening to closing; null while open.")]


class DenyReason(BaseModel):
    """Why an order was denied or rejected; null if it was neither."""

    model_config = example(client_order_id=ORDER_ID, status="DENIED", deny_reason="BUDGET_EXCEEDED")

    client_order_id: str
    status: OrderStatus
    deny_reason: str | None


class CurrencyFills(BaseModel):
    """Fills in one currency."""

    currency: Annotated[
        str, Field(description="The instruments' settlement currency; for fees, the currency they were paid in.")
    ]
    fills: int
    notional: Annotated[Amount, Field(description="In `currency`.")]
    realized_pnl: Amount
    total_fees: Amount


class InstrumentFills(BaseModel):
    """Fills of one instrument."""

    instrument_id: str
    fills: int
    buy_qty: Amount
    sell_qty: Amount
    notional: Annotated[Amount, Field(description="In the instrument's settlement currency.")]


class FillsSummary(BaseModel):
    """Sums of fills."""

    model_config = example(
        total_fills=2,
        buy_fills=1,
        sell_fills=1,
        first_ts=INSTANT,
        last_ts=LATER,
        by_currency=[{"currency": "USDT", "fills": 2, "notional": 18483.6, "realized_pnl": 42.5, "total_fees": 1.2}],
        by_instrument=[
            {
                "instrument_id": "BTCUSDT-PERP.BINANCE",
                "fills": 2,
                "buy_qty": 0.2,
                "sell_qty": 0.2,
                "notional": 18483.6,
            }
        ],
    )

    total_fills: int
    buy_fills: int
    sell_fills: int
    first_ts: Instant | None
    last_ts: Instant | None
    by_currency: list[CurrencyFills]
    by_instrument: list[InstrumentFills]


class Summary(BaseModel):
    """Counts of signals, orders and fills."""

    model_config = example(signals=3, orders=200, fills=180)

    signals: int
    orders: int
    fills: int


class AuditEntry(BaseModel):
    """A change, its author, and the values before and after."""

    model_config = example(
        id=1,
        ts=INSTANT,
        actor="key:ops",
        action="budget.set",
        entity_type="budget",
        entity_id=f"{STRATEGY_ID}/USDT",
        strategy_id=STRATEGY_ID,
        before=None,
        after={"allocated": "1000.0"},
        request_id="3f0c",
    )

    id: int
    ts: Instant
    actor: str
    action: str
    entity_type: str
    entity_id: str
    strategy_id: UUID | None
    before: Document
    after: Document
    request_id: str | None
