"""What `purser verify` says of a broken invariant."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that is not as it must be: which, and what differs (stored against recomputed)."""

    row: str
    difference: str
