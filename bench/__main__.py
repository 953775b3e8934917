"""`python -m bench [SECTION...]`: runs the benchmarks side by side and writes bench/RESULTS.md.

A figure by itself says little on another machine; the ratios do. Every section measures Purser and what it is held
against in the same run, in turns.
"""

import asyncio
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import graphql_reads, import_speed, rest_reads
from bench.results import Comparison

RESULTS = Path(__file__).with_name("RESULTS.md")

SECTIONS: dict[str, Callable[[], Awaitable[list[Comparison]]]] = {
    "graphql_reads": graphql_reads.run,
    "rest_reads": rest_reads.run,
    "import_speed": import_speed.run,
}
"""Name to benchmark; a new one is one line here."""


def main(names: list[str]) -> None:
    """Run the named sections, or all."""
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        sys.exit(f"Unknown: {', '.join(unknown)}. There are: {', '.join(SECTIONS)}.")
    comparisons = []
    for name in names or list(SECTIONS):
        comparisons += asyncio.run(SECTIONS[name]())
    _print(comparisons)
    if not names:
        RESULTS.write_text(_markdown(comparisons))


def _print(comparisons: list[Comparison]) -> None:
    table = Table(title="Side by side")
    for column in Comparison.COLUMNS:
        table.add_column(column)
    for comparison in comparisons:
        table.add_row(*comparison.cells())
    Console().print(table)


def _markdown(comparisons: list[Comparison]) -> str:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    rows = [Comparison.COLUMNS, ["---"] * len(Comparison.COLUMNS), *(comparison.cells() for comparison in comparisons)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    notes = "\n".join(f"* {comparison.what}: {comparison.how}" for comparison in comparisons)
    return f"# Results of `make bench`\n\nOn {machine}.\n\n{table}\n\n{notes}\n"


if __name__ == "__main__":
    main(sys.argv[1:])
