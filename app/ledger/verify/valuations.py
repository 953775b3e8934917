"""How much of the ledger rests on what: counts, not invariants, for `purser verify` and `/metrics`."""

from dataclasses import dataclass

from app.database import ReadConnection

_COUNTS = """
SELECT (SELECT count(*) FROM instruments WHERE source = 'RECORDED') AS instruments_recorded,
       (SELECT count(*) FROM instruments WHERE source = 'ASSUMED') AS instruments_assumed,
       (SELECT coalesce(sum(fills), 0)::bigint FROM fill_sums JOIN instruments USING (instrument_id)
        WHERE source = 'ASSUMED') AS fills_assumed,
       (SELECT count(*) FROM holds WHERE is_unvalued) AS orders_unvalued,
       (SELECT count(*) FROM discrepancies) AS discrepancies,
       (SELECT count(*) FROM quarantined_events) AS events_quarantined
"""


@dataclass(frozen=True, slots=True)
class ValuationCounts:
    """Fills of assumed instruments are valued as linear, multiplier 1; unvalued orders are open and stop new grants."""

    instruments_recorded: int
    instruments_assumed: int
    fills_assumed: int
    orders_unvalued: int
    discrepancies: int
    events_quarantined: int


async def count_valuations(connection: ReadConnection) -> ValuationCounts:
    """The counts now."""
    row = await connection.fetchrow(_COUNTS)
    assert row is not None, "a SELECT without FROM has one row"
    return ValuationCounts(**row)
