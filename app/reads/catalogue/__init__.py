"""The catalogue: how each noun's fields, filters and orders become SQL. A new field is one line."""

from app.reads.catalogue.audit_entry import AUDIT_ENTRY
from app.reads.catalogue.fill import FILL
from app.reads.catalogue.order import ORDER
from app.reads.catalogue.position import POSITION
from app.reads.catalogue.strategy import STRATEGY
from app.reads.catalogue.summary import SUMMARY

__all__ = ["AUDIT_ENTRY", "FILL", "ORDER", "POSITION", "STRATEGY", "SUMMARY"]
