"""The final ledger does not depend on batch sizes, order of arrival, repetition or interruption."""

from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.database import Database
from tests.ledger.state import RECORDINGS, broken_but_for_reports, broken_invariants, content_of, lines_of, record, wipe

pytestmark = pytest.mark.anyio

SLICE_LINES = 1_000
WINDOW_LINES = 500

on_one_database = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
slices = st.tuples(st.sampled_from(RECORDINGS), st.integers(0, 60))


@cache
def _lines(recording: str) -> list[bytes]:
    return lines_of(recording)


def _slice(recording: str, start: int) -> list[bytes]:
    return _lines(recording)[start * SLICE_LINES : (start + 1) * SLICE_LINES]


def _shuffled(lines: list[bytes], random: Random) -> list[bytes]:
    """Shuffles within windows of 500 lines, with a random offset."""
    first = random.randrange(WINDOW_LINES)
    edges = [0, *range(first, len(lines), WINDOW_LINES), len(lines)]
    windows = [lines[start:end] for start, end in pairwise(edges)]
    return [line for window in windows for line in random.sample(window, len(window))]


async def _content_in_order(database: Database, lines: list[bytes]) -> dict[str, Any]:
    await wipe(database)
    await record(database, lines)
    return await content_of(database)


@given(slices, st.sampled_from([1, 7, 100, 499, 5_000]))
@on_one_database
async def test_the_ledger_does_not_depend_on_batch_sizes(
    database: Database, slice_: tuple[str, int], batch: int
) -> None:
    lines = _slice(*slice_)[: 150 if batch == 1 else SLICE_LINES]
    expected = await _content_in_order(database, lines)
    await wipe(database)
    await record(database, lines, batch)
    assert await content_of(database) == expected


@given(slices, st.integers(0, 2**32), st.sampled_from([37, 400, 5_000]))
@on_one_database
async def test_the_ledger_does_not_depend_on_order_within_a_window(
    database: Database, slice_: tuple[str, int], seed: int, batch: int
) -> None:
    lines = _slice(*slice_)
    expected = await _content_in_order(database, lines)
    await wipe(database)
    await record(database, _shuffled(lines, Random(seed)), batch)
    assert await content_of(database) == expected
    assert await broken_but_for_reports(database) == []


@given(slices, st.integers(0, 2**32))
@on_one_database
async def test_the_ledger_does_not_depend_on_order_and_repetition(
    database: Database, slice_: tuple[str, int], seed: int
) -> None:
    random = Random(seed)
    lines = _slice(*slice_)
    expected = await _content_in_order(database, lines)
    await wipe(database)
    await record(database, random.sample(lines, len(lines)), random.choice([300, 5_000]))
    await record(database, random.choices(lines, k=500), 100)
    assert await content_of(database) == expected
    assert await broken_but_for_reports(database) == []


@pytest.mark.long
@pytest.mark.parametrize("recording", RECORDINGS)
async def test_a_whole_recording_does_not_depend_on_order_within_windows(database: Database, recording: str) -> None:
    lines = lines_of(recording)
    expected = await _content_in_order(database, lines)
    await wipe(database)
    await record(database, _shuffled(lines, Random(7)), 3_000)
    assert await content_of(database) == expected
    assert await broken_invariants(database) == []


async def test_discrepancies_do_not_depend_on_the_order_of_arrival(database: Database) -> None:
    lines = _slice("dev_crypto", 0)
    expected = await _content_in_order(database, lines)
    await wipe(database)
    await record(database, _shuffled(lines, Random(0)), 37)
    assert (await content_of(database))["discrepancies"] == expected["discrepancies"]
