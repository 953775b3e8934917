"""What changed, as it changes: one reader of the table `changes` in each process, and who follows it.

    PostgreSQL ──(LISTEN, and a poll each second)──> Feed ──> Registry      all budgets, in memory
                                                       └────> Subscriber      one for each subscription

`offsets` says what a cursor is, `changes` has the statements, `listening` the connection. The feed only ever moves
forward from a row that is there, so a lost connection, a lost NOTIFY or a restarted server costs time, never a change.
docs/adr/0015-the-change-feed.md says why.
"""

from app.feed.changes import Change
from app.feed.feed import Feed, FeedStatus
from app.feed.offsets import Offset
from app.feed.registry import Registry, RegistryPage
from app.feed.subscriber import Interrupted, Subscriber

__all__ = ["Change", "Feed", "FeedStatus", "Interrupted", "Offset", "Registry", "RegistryPage", "Subscriber"]
