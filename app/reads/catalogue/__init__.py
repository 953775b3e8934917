"""The catalogue: how each entity's fields, filters and orders become SQL. A new field is one line."""

from app.reads.catalogue.audit_entry import AUDIT_ENTRY
from app.reads.catalogue.budget import BUDGET, BUDGET_ENTRY, BUDGET_JOURNAL_ENTRY, HOLD
from app.reads.catalogue.discrepancy import DISCREPANCY
from app.reads.catalogue.fill import FILL
from app.reads.catalogue.fill_summary import FILL_SUMMARY, FILL_SUMMARY_GROUP
from app.reads.catalogue.instrument import INSTRUMENT
from app.reads.catalogue.order import ORDER
from app.reads.catalogue.order_event import ORDER_EVENT, QUARANTINED_EVENT
from app.reads.catalogue.performance import EQUITY_POINT, PERFORMANCE
from app.reads.catalogue.position import POSITION
from app.reads.catalogue.signal import SIGNAL
from app.reads.catalogue.strategy import STRATEGY
from app.reads.catalogue.summary import SUMMARY
from app.reads.catalogue.trading_state import GLOBAL_TRADING_STATE

__all__ = [
    "AUDIT_ENTRY",
    "BUDGET",
    "BUDGET_ENTRY",
    "BUDGET_JOURNAL_ENTRY",
    "DISCREPANCY",
    "EQUITY_POINT",
    "FILL",
    "FILL_SUMMARY",
    "FILL_SUMMARY_GROUP",
    "GLOBAL_TRADING_STATE",
    "HOLD",
    "INSTRUMENT",
    "ORDER",
    "ORDER_EVENT",
    "PERFORMANCE",
    "POSITION",
    "QUARANTINED_EVENT",
    "SIGNAL",
    "STRATEGY",
    "SUMMARY",
]
