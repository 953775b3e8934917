"""What changed, as it changes: one reader of the table `changes` in each process, and who follows it.

    PostgreSQL ──(LISTEN, and a look each second)──> Feed ──> Registry      all budgets, in memory
                                                       └────> Follower      one for each subscription

`places` says what a cursor is, `changes` has the statements, `listening` the connection. The feed only ever moves
forward from a row that is there, so a lost connection, a lost NOTIFY or a restarted server costs time, never a change.
docs/adr/0015-the-change-feed.md says why.
"""

from app.feed.changes import Change
from app.feed.feed import Feed, FeedStatus
from app.feed.follower import Follower, Interrupted
from app.feed.places import Place
from app.feed.registry import Registry, RegistryPage

__all__ = ["Change", "Feed", "FeedStatus", "Follower", "Interrupted", "Place", "Registry", "RegistryPage"]
