"""The change feed: one reader of the table `changes` in each process.

    PostgreSQL ──(LISTEN, and a poll each second)──> Feed ──> projections   kept in memory: budgets, keys, names
                                                        └───> subscribers   one for each GraphQL subscription

A feed moves forward from a row that exists, so a lost connection, a lost NOTIFY or a restarted server delays changes
but never loses one (docs/adr/0015-the-change-feed.md).
"""
