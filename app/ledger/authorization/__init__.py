"""Authorization: may these orders leave?

requests ─> gate (lanes, groups) ─> authorize (one transaction a group: lock, read, write) ─> answers
                    └── decided ahead ──> desk (decisions in memory, by `rules.authorization`)
"""

from app.ledger.authorization.gate import Gate
from app.ledger.authorization.requests import Request

__all__ = ["Gate", "Request"]
