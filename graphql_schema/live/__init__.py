"""Subscriptions, and every other operation, over a WebSocket.

    socket                one connection, by the protocol graphql-transport-ws
    messages              the protocol's messages
    events                one subscription: from changes of the feed to events, one statement for many
    subscription_writer   the events as JSON

docs/adr/0015-the-change-feed.md says how an event is never lost.
"""
