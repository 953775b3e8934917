"""Recorded runs of every kind end with the state of the engine, in any arrangement of lines and instruments."""

from collections import defaultdict, deque
from collections.abc import Callable
from random import Random
from typing import TypeAlias

import orjson
import pytest

from app.database import Database
from tests.ledger.state import broken_but_for_reports, broken_invariants, holds_of, record, wipe
from tests.ledger.test_engine_truth import (
    KINDS,
    assert_engine_truth,
    instruments_of,
    lines_of_events,
    record_definitions,
)
from tests.ledger.test_order_truth import differing_orders

pytestmark = pytest.mark.anyio

Batches: TypeAlias = list[list[bytes]]


def as_published(lines: list[bytes], random: Random) -> Batches:
    return _in_batches(lines, random)


def one_by_one(lines: list[bytes], _: Random) -> Batches:
    return [[line] for line in lines]


def between_strategies(lines: list[bytes], random: Random) -> Batches:
    """Keeps the order within each strategy, and shuffles strategies against each other."""
    streams: dict[str, deque[bytes]] = defaultdict(deque)
    for line in lines:
        streams[orjson.loads(line)["strategy_id"]].append(line)
    turns = [strategy for strategy, stream in streams.items() for _ in stream]
    random.shuffle(turns)
    return _in_batches([streams[turn].popleft() for turn in turns], random)


def one_strategy_after_another(lines: list[bytes], random: Random) -> Batches:
    strategies = {orjson.loads(line)["strategy_id"]: random.random() for line in lines}
    return _in_batches(sorted(lines, key=lambda line: strategies[orjson.loads(line)["strategy_id"]]), random)


def shuffled(lines: list[bytes], random: Random) -> Batches:
    return _in_batches(random.sample(lines, len(lines)), random)


def _in_batches(lines: list[bytes], random: Random) -> Batches:
    batches, place = [], 0
    while place < len(lines):
        size = random.choice([1, 3, 20, 150, 1_000])
        batches.append(lines[place : place + size])
        place += size
    return batches


ARRANGEMENTS = (as_published, between_strategies, one_strategy_after_another, shuffled)


@pytest.mark.parametrize("arrange", [*ARRANGEMENTS, pytest.param(one_by_one, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_arrangement_ends_with_the_state_of_the_engine(
    database: Database, kind: str, arrange: Callable[[list[bytes], Random], Batches]
) -> None:
    random = Random(f"{kind} {arrange.__name__}")
    batches = arrange(lines_of_events(kind), random)
    definitions = {random.randrange(len(batches) + 1): [one] for one in instruments_of(kind)}
    missing = [one for one in instruments_of(kind) if [one] not in definitions.values()]
    for number, batch in enumerate(batches):
        if number in definitions:
            await record_definitions(database, definitions[number])
        await record(database, batch)
        if random.random() < 0.3:
            assert await broken_but_for_reports(database) == []
    await record_definitions(database, [*definitions.get(len(batches), []), *missing])
    await assert_engine_truth(database, kind)
    assert await differing_orders(database, f"dev_{kind}") == []
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_holds_do_not_depend_on_batches(database: Database, kind: str) -> None:
    random, lines = Random(kind), lines_of_events(kind)[:600]
    found = []
    for batches in (one_by_one(lines, random), [lines], as_published(lines, random)):
        await wipe(database)
        await record_definitions(database, instruments_of(kind))
        for batch in batches:
            await record(database, batch)
        found.append(await holds_of(database))
    assert found[1] == found[0]
    assert found[2] == found[0]
