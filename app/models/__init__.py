"""SQLModel tables, one file per noun. Large tables' keys begin with `strategy_id` so that they can be sharded."""

from sqlmodel import SQLModel

from app.models.administration import ApiKey, AuditEntry, Budget, BudgetJournalEntry, Strategy, TradingControl
from app.models.columns import add_checks
from app.models.feed import Change, FeedEpoch
from app.models.instruments import Discrepancy, Instrument, PendingRevaluation, Signal
from app.models.orders import (
    Fill,
    Hold,
    Order,
    OrderEvent,
    OutdatedOrder,
    Position,
    QuarantinedEvent,
    QuarantineResolution,
)
from app.models.totals import FillSum, FillTotal, OrderTotal, PositionTotal, SignalTotal, TradeTotal

metadata = SQLModel.metadata
add_checks(metadata)

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Budget",
    "BudgetJournalEntry",
    "Change",
    "Discrepancy",
    "FeedEpoch",
    "Fill",
    "FillSum",
    "FillTotal",
    "Hold",
    "Instrument",
    "Order",
    "OrderEvent",
    "OrderTotal",
    "OutdatedOrder",
    "PendingRevaluation",
    "Position",
    "PositionTotal",
    "QuarantineResolution",
    "QuarantinedEvent",
    "Signal",
    "SignalTotal",
    "Strategy",
    "TradeTotal",
    "TradingControl",
    "metadata",
]
