"""A ledger with one of each doubt: assumed terms, reports that differ, an order of unknown need, a waiting event."""

from typing import Any

from tests.events import published
from tests.ledger.test_valuation import REPORTS, XBT, bought_and_sold

ASSUMED = XBT
OTHER = "NEVER-SEEN.X"


def doubtful() -> list[dict[str, Any]]:
    """Two fills and two reports in an inverse instrument that is not recorded, then the order and the event."""
    unvalued = {"client_order_id": "O-9", "instrument_id": OTHER, "options": {"price": "100"}}
    waiting = published("OrderAccepted", 23, client_order_id="O-10")
    return [*bought_and_sold(), *REPORTS, published("OrderInitialized", 21, **unvalued), waiting]
