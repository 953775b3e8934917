"""Follows streams of Redis into the ledger, through a consumer group.

Each entry is delivered at least once and recorded exactly once: it is acknowledged after the commit, and the ledger
drops events that it knows. docs/adr/0034-redis-streams.md has the reasons.
"""
