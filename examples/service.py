"""What the examples have in common: the address of the service, and a trader id for each run."""

import os
import time
from collections.abc import Iterable, Mapping
from uuid import UUID

from purser_client import Purser

URL = os.environ.get("PURSER_URL", "http://127.0.0.1:8000")
KEY = os.environ.get("PURSER_API_KEY")
RUN = f"DEMO-{time.time_ns() // 1_000_000}"
"""The trader id of this run. Two runs of one backtest make the same client order ids."""


def client() -> Purser:
    """A client of the service."""
    return Purser(URL, key=KEY)


def print_budgets(purser: Purser, names: Mapping[UUID, str]) -> None:
    """Print the budgets of these strategies."""
    for budget in purser.budgets():
        if name := names.get(budget.strategy_id):
            print(
                f"{name}: {budget.reserved:f} of {budget.allocated:f} {budget.currency} reserved, "
                f"{budget.available:f} available, net PnL {budget.net_pnl:f}"
            )


def print_counts(title: str, statuses: Iterable[str]) -> None:
    """Print how many orders have each status."""
    counts: dict[str, int] = {}
    for status in statuses:
        counts[status] = counts.get(status, 0) + 1
    print(title, ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
