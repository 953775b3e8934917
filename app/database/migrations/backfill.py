"""SQL for revisions that add a column: existing rows are computed again before the service starts."""


def refold_orders_with(condition: str) -> str:
    """Mark the orders that have an event with this condition, an SQL expression over `order_events`.

    `app.ledger.recording.record` folds them again, whatever their events are: late, repeated, or in quarantine.
    """
    return (
        "INSERT INTO outdated_orders (strategy_id, client_order_id) "
        "SELECT DISTINCT strategy_id, client_order_id FROM order_events "
        f"WHERE client_order_id IS NOT NULL AND variant = 0 AND ({condition}) ON CONFLICT DO NOTHING"
    )


REVALUE_EVERYTHING = (
    "INSERT INTO pending_revaluations (instrument_id) SELECT instrument_id FROM instruments ON CONFLICT DO NOTHING"
)
"""Has all positions, fills' outcomes and holds computed again (`app.ledger.holds.revaluation.revalue_pending`)."""
