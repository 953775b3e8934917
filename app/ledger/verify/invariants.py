"""Invariants of the ledger, and the SQL statements that check one each."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from app.database import ReadConnection


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that violates an invariant: its identity, and the stored and the recomputed values."""

    row: str
    difference: str


@dataclass(frozen=True)
class Invariant:
    """A claim, numbered as in docs/ledger.md, "Verification", and the check that finds its violations."""

    number: int
    claim: str
    check: Callable[[ReadConnection], AsyncIterator[Finding]]


def stated(number: int, claim: str, sql: str) -> Invariant:
    """An invariant whose violations one statement selects: columns `row`, `stored`, `recomputed`, all text."""

    async def check(connection: ReadConnection) -> AsyncIterator[Finding]:
        async for found in connection.cursor(sql, prefetch=100):
            yield Finding(found["row"], f"stored {found['stored']}, recomputed {found['recomputed']}")

    return Invariant(number, claim, check)


def differing(key: str, stored: str, recomputed: str, values: str) -> str:
    """Selects the rows in which two SELECTs differ. `key` and `values` are lists of columns of both."""
    return f"""
    SELECT concat_ws(' ', {key}) AS row, coalesce(s.v::text, 'nothing') AS stored,
           coalesce(r.v::text, 'nothing') AS recomputed
    FROM (SELECT {key}, ROW({values}) AS v FROM ({stored}) stored) s
    FULL JOIN (SELECT {key}, ROW({values}) AS v FROM ({recomputed}) recomputed) r USING ({key})
    WHERE s.v IS DISTINCT FROM r.v
    """


def half_even(value: str, places: int) -> str:
    """SQL that rounds a `numeric` as `rules.money.quotient` does; PostgreSQL's `round` takes a tie away from zero."""
    cut = f"trunc({value}, {places})"
    is_tie = f"abs({value} - {cut}) = 5e-{places + 1}"
    return f"CASE WHEN {is_tie} AND mod({cut} * 1e{places}, 2) = 0 THEN {cut} ELSE round({value}, {places}) END"
