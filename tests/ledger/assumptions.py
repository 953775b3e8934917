"""A ledger with assumed terms, discrepancies, an unvalued order and a waiting event."""

from typing import Any

from tests.events import published
from tests.ledger.test_valuation import REPORTS, XBT, bought_and_sold

ASSUMED = XBT
OTHER = "NEVER-SEEN.X"


def events_with_assumptions() -> list[dict[str, Any]]:
    """Two fills and two reports in an inverse instrument without a record, an unvalued order and a waiting event."""
    unvalued = {"client_order_id": "O-9", "instrument_id": OTHER, "options": {"price": "100"}}
    waiting = published("OrderAccepted", 23, client_order_id="O-10")
    return [*bought_and_sold(), *REPORTS, published("OrderInitialized", 21, **unvalued), waiting]
