"""Subscriptions, and everything else, over a WebSocket.

    socket     one connection, as the protocol graphql-transport-ws has it
    messages   what comes in, what goes out
    events     one subscription: from changes of the feed to events, one statement for many

docs/adr/0015-the-change-feed.md says how an event is never lost.
"""

from graphql_schema.live.events import LiveOperation
from graphql_schema.live.socket import SocketLimits, Sockets

__all__ = ["LiveOperation", "SocketLimits", "Sockets"]
