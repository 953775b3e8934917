"""`python -m bench [SECTION...]`: runs the benchmarks side by side and writes bench/RESULTS.md.

Absolute figures differ between machines; ratios do less. Every section measures Purser and its peers in the same run,
in turns.
"""

import asyncio
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    authorize,
    equity,
    fan_out,
    gate,
    graphql_reads,
    growth,
    import_speed,
    rest_reads,
    stream_speed,
    verify_speed,
)
from bench.results import Comparison

PACKAGES = ("fastapi", "asyncpg", "strawberry-graphql", "graphql-core", "sqlmodel", "sqlalchemy", "uvicorn")
RESULTS = Path(__file__).with_name("RESULTS.md")

SECTIONS: dict[str, Callable[[], Awaitable[list[Comparison]]]] = {
    "graphql_reads": graphql_reads.run,
    "rest_reads": rest_reads.run,
    "import_speed": import_speed.run,
    "authorize": authorize.run,
    "equity": equity.run,
    "fan_out": fan_out.run,
}
"""Benchmarks by name; a new one is one line here."""
ON_DEMAND: dict[str, Callable[[], Awaitable[list[Comparison]]]] = {
    "gate": gate.run,
    "growth": growth.run,
    "stream": stream_speed.run,
    "verify": verify_speed.run,
}
"""Benchmarks that take too long for every run, or need a Redis or an engine; each writes a file of its own: GATE.md,
GROWTH.md, STREAM.md, VERIFY.md.
"""


def main(names: list[str]) -> None:
    """Runs the named sections, or all."""
    known = SECTIONS | ON_DEMAND
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"Unknown: {', '.join(unknown)}. There are: {', '.join(known)}.")
    comparisons = []
    for name in names or list(SECTIONS):
        comparisons += asyncio.run(known[name]())
    _print(comparisons)
    if not names:
        _write(RESULTS, comparisons)
    if len(names) == 1 and names[0] in ON_DEMAND:
        _write(RESULTS.with_name(f"{names[0].upper()}.md"), comparisons)


def _print(comparisons: list[Comparison]) -> None:
    table = Table(title="Side by side")
    for column in Comparison.COLUMNS:
        table.add_column(column)
    for comparison in comparisons:
        table.add_row(*comparison.cells())
    Console().print(table)


def _write(path: Path, comparisons: list[Comparison]) -> None:
    path.write_text(_markdown(comparisons))


def _markdown(comparisons: list[Comparison]) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}"
    rows = [Comparison.COLUMNS, ["---"] * len(Comparison.COLUMNS), *(comparison.cells() for comparison in comparisons)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    notes = "\n".join(dict.fromkeys(f"* {comparison.what}: {comparison.how}" for comparison in comparisons))
    machine += f"; load average at the end {os.getloadavg()[0]:.1f}"
    return f"# Results of `make bench`\n\nOn {machine}.\n\n{table}\n\n{notes}\n"


if __name__ == "__main__":
    main(sys.argv[1:])
