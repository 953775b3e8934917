"""Enumerations: the engine's, and the names of orders."""

from enum import Enum

import strawberry

from app.rules import enums

for _enum in (
    enums.OrderSide,
    enums.OrderStatus,
    enums.OrderType,
    enums.TimeInForce,
    enums.LiquiditySide,
    enums.PositionSide,
    enums.PositionStatus,
    enums.TradingState,
):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())


@strawberry.enum(description="Smallest first, or largest first.")
class SortDirection(Enum):
    """Smallest first, or largest first."""

    ASC = "ASC"
    DESC = "DESC"


@strawberry.enum(description="What orders can be sorted by.")
class OrderSortField(Enum):
    """What orders can be sorted by; the values are the catalogue's names."""

    TS_INIT = "ts_init"
    TS_LAST = "ts_last"
    CLIENT_ORDER_ID = "client_order_id"
    QUANTITY = "quantity"
    INSTRUMENT_ID = "instrument_id"
    STATUS = "status"


@strawberry.enum(description="What fills can be sorted by.")
class FillSortField(Enum):
    """What fills can be sorted by; the values are the catalogue's names."""

    TS_EVENT = "ts_event"
    LAST_QTY = "last_qty"
    LAST_PX = "last_px"
    INSTRUMENT_ID = "instrument_id"
