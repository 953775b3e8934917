"""A backtest that publishes to Redis; `purser stream nautilus` records it. The database is that of the service."""

import argparse
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from nautilus_trader.common.config import DatabaseConfig, MessageBusConfig
from redis.connection import parse_url
from service import RUN, URL, client, print_budgets, print_counts
from strategy import make_engine

from purser_client import OrderFilter, UUIDFilter

NAME = "Swing-001"


def run_engine(redis: str) -> list[str]:
    """Run a backtest that publishes to Redis. Returns the statuses of its orders."""
    address = parse_url(redis)  # type: ignore[no-untyped-call]
    database = DatabaseConfig(
        type="redis",
        host=address.get("host", "127.0.0.1"),
        port=address.get("port", 6379),
        username=address.get("username"),
        password=address.get("password"),
        ssl=redis.startswith("rediss:"),
    )
    engine = make_engine(RUN, ["001"], MessageBusConfig(database=database))
    engine.run()
    statuses = [order.status_string() for order in engine.cache.orders()]
    engine.dispose()
    return statuses


def record(redis: str) -> None:
    """Record the trader's streams in the database that the settings name, then stop."""
    settings = {name: value for name, value in os.environ.items() if name not in ("PURSER_URL", "PURSER_API_KEY")}
    command = [str(Path(sys.executable).parent / "purser"), "stream", "nautilus", "--once", "--trader", RUN]
    # The URL may contain a password; arguments are visible to other users of the machine.
    subprocess.run(command, env=settings | {"PURSER_REDIS_URL": redis}, check=True)


def main() -> None:
    """Publish, record, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", default="redis://127.0.0.1:6379", help="address of a running Redis")
    redis = parser.parse_args().redis
    with client() as purser:
        strategy_id = purser.register_strategy(NAME, RUN).strategy_id
        purser.set_budget(strategy_id, "USDT", Decimal(100_000))
        published = run_engine(redis)
        record(redis)
        mine = OrderFilter(strategy_id=UUIDFilter(eq=strategy_id))
        recorded = [order.status.value for order in purser.orders(mine)]
        if not recorded:
            sys.exit(f"{URL} has another database than `purser stream` recorded in: set PURSER_DATABASE_URL.")
        print_counts("engine:", published)
        print_counts("ledger:", recorded)
        print_budgets(purser, {strategy_id: NAME})


if __name__ == "__main__":
    main()
