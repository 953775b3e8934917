"""Subscriptions, and every other operation, over a WebSocket.

    socket                one connection, by the protocol graphql-transport-ws
    messages              the protocol's messages
    server_protocol       uvicorn's protocol, which takes frames that are encoded already
    broadcast             the subscriptions that send the same: one reader, one encoding
    batches               consecutive results, as they are sent
    subscription_writer   one subscription: its selection, its events as JSON
    events                the rows that changes are about, one statement for many

docs/adr/0015-the-change-feed.md says how an event is never lost, 0032-fan-out.md how one is sent to a thousand
subscribers.
"""
