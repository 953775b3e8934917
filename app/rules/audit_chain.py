"""The audit log's hash chain: what is hashed, byte for byte (docs/adr/0013-audit-chain.md)."""

import hashlib
import json
from dataclasses import dataclass

GENESIS = "0" * 64
"""The hash before the first entry's."""


@dataclass(slots=True, frozen=True)
class Link:
    """What an entry says. `before` and `after` are JSON objects without floats: amounts are text."""

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
    """JSON without blanks, keys sorted, characters as they are: RFC 8785, which other tools write too."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(link: Link, previous_hash: str) -> bytes:
    """What is hashed for an entry. `id` and `ts` are text: they may have more digits than a JSON number keeps."""
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
