"""Authorization: whether an order may be submitted, and the hold it gets.

GroupCommit.authorize ─> queue ─> batch ─┬─ one transaction ──────────────────────────────┬─> answers
(group_commit)                           │ decide: lock, read, decide     write    commit │
                                         │ (authorize, decision_state)    (storage)       │
"""

from app.ledger.authorization.decision_state import Request
from app.ledger.authorization.group_commit import GroupCommit

__all__ = ["GroupCommit", "Request"]
