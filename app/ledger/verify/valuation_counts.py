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
# The engine writes the instrument's quote currency on each fill. Reads every fill: for `purser verify` alone.
_IN_ANOTHER_CURRENCY = """
SELECT f.instrument_id, f.currency, i.quote_currency, count(*) AS fills FROM fills f JOIN instruments i
USING (instrument_id) WHERE f.currency <> i.quote_currency GROUP BY 1, 2, 3 ORDER BY 1, 2
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


async def find_other_currencies(connection: ReadConnection) -> list[str]:
    """Fills that name another currency than their instrument is quoted in; they are valued by the instrument's."""
    return [
        f"{row['fills']} fills of {row['instrument_id']} name {row['currency']}; "
        f"it is quoted in {row['quote_currency']}, by which they are valued"
        for row in await connection.fetch(_IN_ANOTHER_CURRENCY)
    ]
