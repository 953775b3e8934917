"""Authorizations over GraphQL against pgbench, which runs the same condition as one statement.

pgbench has no HTTP, events, journal, change feed or response: it shows the maximum of PostgreSQL with one transaction
for each order. It comes with the embedded server.
"""

import asyncio
import itertools
import re
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import asyncpg

from app.database import Database
from app.database.embedded import EmbeddedServer
from app.database.postgres_programs import programs_dir
from app.database.upgrade import upgrade
from app.ledger.holds.budgets import BudgetBook
from app.ledger.storage.writing import write
from app.rules.identity import strategy_id_of
from bench.http_load import answer_to, answers, post_json
from bench.results import Comparison
from bench.servers import uvicorn

ROUNDS = 5
ROUND_SECONDS = 3.0
WARM_UP_SECONDS = 2.0
CLIENTS, BATCH_CLIENTS, PGBENCH_CLIENTS = 32, 8, 8
BATCH = 100
BUDGETS = 1_000
INSTRUMENT = "BTCUSDT-PERP.BINANCE"
ALLOCATED = Decimal(10) ** 18
_AMOUNT = Decimal(100)

_SELECTION = "__typename ... on OrderDenied { denyCode reason } ... on Error { code message }"
_ONE = f"mutation ($input: AuthorizeOrderInput!) {{ authorizeOrder(input: $input) {{ {_SELECTION} }} }}"
_MANY = f"mutation ($inputs: [AuthorizeOrderInput!]!) {{ authorizeOrders(inputs: $inputs) {{ {_SELECTION} }} }}"

_PEER = "Peer-000"
_STATEMENT = """
WITH granted AS (
    UPDATE budgets SET reserved_orders = reserved_orders + {amount}, version = version + 1
    WHERE strategy_id = '{strategy_id}' AND currency = 'USDT'
    AND allocated - reserved_orders - reserved_positions >= {amount}
    RETURNING strategy_id, currency
)
INSERT INTO holds (strategy_id, client_order_id, currency, unit_price, amount, remaining)
SELECT strategy_id, gen_random_uuid()::text, currency, {amount}, {amount}, {amount} FROM granted;
"""
_TRANSACTIONS = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)


@dataclass
class _Load:
    """A kind of request, and its measurements: orders a second of each round, and the latency of each response."""

    connections: int
    orders: int
    requests: Iterable[bytes]
    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    sent: int = 0

    async def run(self, port: int, seconds: float) -> None:
        """Runs one round."""
        started = time.perf_counter()
        taken = await answers(port, iter(self.requests).__next__, self.connections, seconds)
        self.sent += len(taken) * self.orders
        self.rates.append(len(taken) * self.orders / (time.perf_counter() - started))
        self.seconds += taken

    def forget(self) -> None:
        """Discards the rounds so far: they were for warming up."""
        self.rates, self.seconds = [], []

    def percentile(self, part: float) -> float:
        """The latency at this part of the distribution, in milliseconds."""
        return sorted(self.seconds)[int(len(self.seconds) * part)] * 1000


async def run() -> list[Comparison]:
    """Runs all loads in turns on one server with one worker, then checks that every order is stored."""
    with (
        tempfile.TemporaryDirectory(prefix="purser-bench-") as directory,
        EmbeddedServer.start(Path(directory)) as server,
    ):
        await upgrade(server.url)
        hot, *spread = [strategy_id_of("TRADER-001", f"Bench-{n:04}") for n in range(BUDGETS + 1)]
        peer = strategy_id_of("TRADER-001", _PEER)
        await _prepare(server.url, [hot, *spread, peer])
        loads = {
            "one at a time": _Load(CLIENTS, 1, _requests([hot])),
            f"in batches of {BATCH}": _Load(BATCH_CLIENTS, BATCH, _batches(hot)),
            f"one at a time, over {BUDGETS:,} budgets": _Load(CLIENTS, 1, _requests(spread)),
        }
        with uvicorn("app.cli.worker:create_app", server.url) as port:
            await _expect_grants(port, loads)
            peers = await _in_turns(server.url, port, peer, loads)
        await _check(server.url, loads)
    return [*_comparisons(loads, peers)]


async def _in_turns(url: str, port: int, peer: UUID, loads: dict[str, _Load]) -> list[float]:
    """Runs rounds of all loads and of pgbench. Returns the rates of pgbench."""
    await _pgbench(url, peer, WARM_UP_SECONDS)
    for load in loads.values():
        await load.run(port, WARM_UP_SECONDS)
        load.forget()
    rates = []
    for _ in range(ROUNDS):
        rates.append(await _pgbench(url, peer, ROUND_SECONDS))
        for load in loads.values():
            await load.run(port, ROUND_SECONDS)
    return rates


def _comparisons(loads: dict[str, _Load], peers: list[float]) -> Iterable[Comparison]:
    least = dict(zip(loads, (0.5, 4.0, None), strict=True))
    against = f"pgbench, one statement, {PGBENCH_CLIENTS} clients"
    for name, load in loads.items():
        how = (
            f"{load.connections} connections, one worker; p50 {load.percentile(0.5):.1f} ms, "
            f"p99 {load.percentile(0.99):.1f} ms; {ROUNDS} rounds of {ROUND_SECONDS:.0f} s in turns"
        )
        yield Comparison(f"authorize: {name}", how, "orders/s", against, load.rates, peers, least[name])
    one, _, spread = loads.values()
    how = f"{BUDGETS:,} budgets against one, {CLIENTS} connections"
    yield Comparison(
        "authorize: many budgets", how, "orders/s", "one hot budget", spread.rates, one.rates, ratio_min=1.0
    )


def _requests(strategy_ids: list[UUID]) -> Iterable[bytes]:
    # The request is encoded once and split at the order's id, so that the client costs less than the server.
    templates = []
    for strategy_id in strategy_ids:
        body = {"query": _ONE, "variables": {"input": _order(strategy_id, "#" * 12)}}
        templates.append(post_json("/graphql", body).split(b"#" * 12))
    for number, (head, tail) in enumerate(itertools.cycle(templates)):
        yield b"%b%012d%b" % (head, number, tail)


def _batches(strategy_id: UUID) -> Iterable[bytes]:
    inputs = [_order(strategy_id, f"{'#' * 12}-{n:03}") for n in range(BATCH)]
    template = post_json("/graphql", {"query": _MANY, "variables": {"inputs": inputs}})
    for number in itertools.count():
        yield template.replace(b"#" * 12, b"%012d" % number)


def _order(strategy_id: UUID, name: str) -> dict[str, object]:
    return {
        "strategy": {"id": str(strategy_id)},
        "clientOrderId": f"O-{name}",
        "instrumentId": INSTRUMENT,
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "1",
        "price": str(_AMOUNT),
    }


async def _expect_grants(port: int, loads: dict[str, _Load]) -> None:
    for load in loads.values():
        answer = await answer_to(port, next(iter(load.requests)))
        assert answer.count(b"OrderAuthorized") == load.orders, answer
        load.sent += load.orders


async def _prepare(url: str, strategy_ids: list[UUID]) -> None:
    """Creates strategies, each with a budget that no load exhausts."""
    database = await Database.open(url)
    keys = [str(strategy_id) for strategy_id in strategy_ids]
    async with database.unit_of_work() as work:
        await work.execute(
            "INSERT INTO strategies (strategy_id, name, trader_id, created_at) "
            "SELECT id, 'Bench-' || id, 'TRADER-001', 0 FROM unnest($1::uuid[]) id",
            keys,
        )
        await work.execute(
            "INSERT INTO instruments (instrument_id, quote_currency, settlement_currency) VALUES ($1, 'USDT', 'USDT')",
            INSTRUMENT,
        )
        book = await BudgetBook.of(keys, time.time_ns()).fetch(work)
        for key in keys:
            book.allocate((key, "USDT"), ALLOCATED)
        await write(work, book.writes())
        await work.commit()
    await database.close()


async def _pgbench(url: str, strategy_id: UUID, seconds: float) -> float:
    """Transactions a second."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(" ".join(_STATEMENT.format(strategy_id=strategy_id, amount=_AMOUNT).split()) + "\n")
        script.flush()
        command = [programs_dir() / "pgbench", "--no-vacuum", "--protocol=prepared", f"--client={PGBENCH_CLIENTS}"]
        process = await asyncio.create_subprocess_exec(
            *command,
            *("--jobs=2", f"--time={seconds:.0f}", f"--file={script.name}", url),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    found = _TRANSACTIONS.search(output.decode())
    assert process.returncode == 0, output
    assert found is not None, output
    return float(found[1])


async def _check(url: str, loads: dict[str, _Load]) -> None:
    """Checks that every granted order has its hold, and that the budgets agree."""
    sent = sum(load.sent for load in loads.values())
    connection = await asyncpg.connect(url)
    peer = strategy_id_of("TRADER-001", _PEER)
    holds = await connection.fetchval("SELECT count(*) FROM holds WHERE strategy_id <> $1", peer)
    reserved = await connection.fetchval("SELECT sum(reserved_orders) FROM budgets WHERE strategy_id <> $1", peer)
    await connection.close()
    assert (holds, reserved) == (sent, sent * _AMOUNT), f"{sent} answers, {holds} holds, {reserved} reserved"
