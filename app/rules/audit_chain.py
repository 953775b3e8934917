"""The audit log's hash chain: defines the hashed bytes (docs/adr/0013-audit-chain.md)."""

import hashlib
import json
from typing import NamedTuple

GENESIS = "0" * 64
"""The previous hash of the first entry."""


class Link(NamedTuple):
    """An entry in the order of `audit_entries`. `before` and `after` are JSON without floats: amounts are text."""

    id: int
    ts: int
    actor: str
    action: str
    entity_type: str
    entity_id: str
    strategy_id: str | None
    before: object
    after: object
    request_id: str | None


def canonical_json(value: object) -> str:
    """JSON without blanks, with sorted keys and unescaped characters: RFC 8785, which other tools write too."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(link: Link, previous_hash: str) -> bytes:
    """The hashed bytes of an entry. `id` and `ts` are text, because they may exceed the precision of JSON numbers."""
    content = {
        "action": link.action,
        "actor": link.actor,
        "after": link.after,
        "before": link.before,
        "entityId": link.entity_id,
        "entityType": link.entity_type,
        "id": str(link.id),
        "previousHash": previous_hash,
        "requestId": link.request_id,
        "strategyId": link.strategy_id,
        "ts": str(link.ts),
    }
    return canonical_json(content).encode()


def hash_of(link: Link, previous_hash: str) -> str:
    """The entry's hash, in hexadecimal digits."""
    return hashlib.sha256(canonical(link, previous_hash)).hexdigest()
