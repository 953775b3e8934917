"""SQLModel tables, one file per noun. Large tables' keys begin with `strategy_id` so that they can be sharded."""

from sqlmodel import SQLModel

from app.models.api_key import ApiKey
from app.models.audit_entry import AuditEntry
from app.models.budget import Budget, BudgetJournalEntry
from app.models.change import Change
from app.models.discrepancy import Discrepancy
from app.models.feed_epoch import FeedEpoch
from app.models.fill import Fill
from app.models.hold import Hold
from app.models.instrument import Instrument
from app.models.order import Order
from app.models.order_event import OrderEvent, OutdatedOrder, QuarantinedEvent, QuarantineResolution
from app.models.pending_revaluation import PendingRevaluation
from app.models.position import Position
from app.models.signal import Signal
from app.models.strategy import Strategy
from app.models.totals import FillSum, FillTotal, OrderTotal, PositionTotal, SignalTotal, TradeTotal
from app.models.trading_control import TradingControl

metadata = SQLModel.metadata

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
