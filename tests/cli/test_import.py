"""`purser import` and `purser verify` as processes: output, exit status, and the ledger after a kill."""

import asyncio
import gzip
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.database import Database
from app.database.upgrade import connect
from tests.cli.processes import DEADLINE_SECONDS, Forked, environment
from tests.conftest import execute
from tests.engines.test_nautilus_instruments import crypto_derivative
from tests.ledger.state import broken_invariants, content_of, digest_of, lines_of, record, wipe
from tests.ledger.test_engine_truth import (
    KINDS,
    assert_engine_truth,
    instruments_of,
    lines_of_events,
    record_definitions,
)
from tests.ledger.test_order_truth import differing_orders

XBT = crypto_derivative("CryptoPerpetual", "BTC", "USD", "BTC", is_inverse=True) | {"id": "BTC/USD.BITMEX"}
_STORED = "SELECT count(*) FROM order_events"
LINES = 12_000


def start(database_url: str, *arguments: str | Path) -> Forked:
    return Forked(arguments, environment({"PURSER_DATABASE_URL": database_url, "COLUMNS": "200"}))


def run(database_url: str, *arguments: str | Path) -> tuple[int, str, str]:
    with start(database_url, *arguments) as process:
        output, errors = process.communicate()
    assert process.returncode is not None
    return process.returncode, output, errors


def in_ledger(database_url: str, function: Any, *arguments: Any) -> Any:
    async def run_in_ledger() -> Any:
        database = await Database.open(database_url)
        try:
            return await function(database, *arguments)
        finally:
            await database.close()

    return asyncio.run(run_in_ledger())


async def _stored_events(database_url: str) -> int:
    connection = await connect(database_url)
    try:
        return int(await connection.fetchval(_STORED))
    finally:
        await connection.close()


async def _until_stored(database_url: str, enough: int, process: "Forked | subprocess.Popen[bytes]") -> None:
    """Waits until the process has stored more than `enough` events, or has ended."""
    connection = await connect(database_url)
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await connection.fetchval(_STORED) <= enough and process.poll() is None:
                await connection.execute("SELECT pg_sleep(0.01)")
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "part.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines_of("dev_crypto")[:LINES]), 1))
    return path


def test_import_counts_new_and_duplicate_events(database_url: str, recording: Path, tmp_path: Path) -> None:
    code, _, errors = run(database_url, "import", recording)
    assert code == 0
    found = re.search(r"12,000 lines .*: ([\d,]+) new, ([\d,]+) duplicate, 0 quarantined, 0 refused", errors)
    assert found is not None, errors
    assert sum(int(number.replace(",", "")) for number in found.groups()) == LINES
    plain = tmp_path / "part.jsonl"
    plain.write_bytes(gzip.decompress(recording.read_bytes()))
    before = in_ledger(database_url, digest_of)
    code, _, errors = run(database_url, "import", plain)
    assert (code, "0 new, 12,000 duplicate" in errors) == (0, True), errors
    assert in_ledger(database_url, digest_of) == before


def test_import_reports_invalid_lines_and_continues(database_url: str, tmp_path: Path) -> None:
    good = lines_of("dev_fx")[:4]
    path = tmp_path / "mixed.jsonl"
    bad = [b"{not json", b'{"type":"OrderTeleported"}', b"\xff\xfe", b"x" * 2_000_000]
    path.write_bytes(
        b"\n".join(
            [good[0], bad[0], good[1], b"", bad[1], good[2], bad[2], bad[3], b'{"type":"AccountState"}', good[3]]
        )
    )
    code, _, errors = run(database_url, "import", path)
    assert code == 3
    for number, reason in (
        (2, "MALFORMED_JSON"),
        (5, "UNKNOWN_EVENT_TYPE"),
        (7, "MALFORMED_JSON"),
        (8, "EVENT_TOO_LARGE"),
    ):
        assert f"mixed.jsonl:{number}: {reason}" in errors
    assert "4 new, 0 duplicate, 0 quarantined, 4 refused, 1 passed over" in errors


def test_import_reports_a_truncated_file_and_keeps_the_lines_before(
    database_url: str, recording: Path, tmp_path: Path
) -> None:
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(recording.read_bytes()[:-100_000])
    no_archive = tmp_path / "plain.jsonl.gz"
    no_archive.write_bytes(b"not an archive")
    code, _, errors = run(database_url, "import", torn, tmp_path / "missing.jsonl", no_archive)
    assert code == 1
    kept = re.search(
        r"torn.jsonl.gz cannot be read to its end: .*; the (\d+) lines before the damage were imported", errors
    )
    assert kept is not None, errors
    assert int(kept[1]) > 5_000
    for path in ("torn.jsonl.gz", "missing.jsonl", "plain.jsonl.gz"):
        assert path in errors
    assert "Traceback" not in errors
    assert asyncio.run(_stored_events(database_url)) > 3_000
    assert in_ledger(database_url, broken_invariants) == []


def test_instruments_in_a_file_value_its_fills_and_contradictions_are_refused(
    database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "inverse.jsonl"
    path.write_bytes(b"\n".join([*lines_of_events("inverse"), json.dumps(XBT).encode()]))
    code, _, errors = run(database_url, "import", path)
    assert (code, "1 instruments" in errors) == (0, True), errors
    in_ledger(database_url, assert_engine_truth, "inverse")
    contradicting = tmp_path / "contradicting.jsonl"
    contradicting.write_text(f"\n{json.dumps(XBT | {'multiplier': '10'})}\n")
    before = in_ledger(database_url, digest_of)
    code, _, errors = run(database_url, "import", contradicting)
    assert (code, "contradicting.jsonl:2: INSTRUMENT_IN_USE" in errors) == (3, True), errors
    assert in_ledger(database_url, digest_of) == before
    code, _, errors = run(database_url, "import", path)
    assert (code, " 0 new," in errors) == (0, True), errors


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_json_array_of_events_and_instruments_is_imported(database_url: str, tmp_path: Path, is_gzip: bool) -> None:
    lines = lines_of_events("inverse")[:300]
    in_ledger(database_url, record, lines)
    in_ledger(database_url, record_definitions, instruments_of("inverse"))
    expected = in_ledger(database_url, content_of)
    expected["instruments"] = {(*row[:-1], "CryptoPerpetual") for row in expected["instruments"]}
    in_ledger(database_url, wipe)
    array = json.dumps([XBT, *map(json.loads, lines), {"type": "OrderTeleported"}], indent=2).encode()
    path = tmp_path / "array.json"
    path.write_bytes(gzip.compress(array) if is_gzip else array)
    code, _, errors = run(database_url, "import", path)
    assert (code, "array.json:302: UNKNOWN_EVENT_TYPE" in errors, "1 instruments" in errors) == (3, True, True), errors
    assert in_ledger(database_url, content_of) == expected


def test_an_unfinished_array_is_refused(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "array.json"
    path.write_bytes(b"[" + b",".join(lines_of("dev_fx")[:10]))
    code, _, errors = run(database_url, "import", path)
    assert (code, "a JSON array, but not a whole one" in errors) == (1, True), errors
    assert asyncio.run(_stored_events(database_url)) == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_import_can_be_repeated(database_url: str, recording: Path, how: signal.Signals) -> None:
    with start(database_url, "import", recording) as process:
        asyncio.run(_until_stored(database_url, 0, process))
        process.send_signal(how)
        _, errors = process.communicate()
    assert process.returncode == {signal.SIGKILL: -9}.get(how, 130), errors
    assert "Traceback" not in errors
    code, _, errors = run(database_url, "import", recording)
    assert code == 0, errors
    repeated = in_ledger(database_url, content_of)
    in_ledger(database_url, wipe)
    in_ledger(database_url, record, lines_of("dev_crypto")[:LINES])
    assert in_ledger(database_url, content_of) == repeated


IN_SMALL_BATCHES = """
import asyncio, sys
from pathlib import Path
from app.database import Database
from app.engines import nautilus
from app.ledger.importing import import_file

async def main():
    database = await Database.open(sys.argv[1])
    await import_file(database, Path(sys.argv[2]), nautilus.read_message, batch_lines=25)
    await database.close()

asyncio.run(main())
"""


QUICK = ("contingent", "reconciled")


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS]
)
def test_a_repeatedly_killed_import_ends_with_the_state_of_the_engine(
    database_url: str, kind: str, tmp_path: Path
) -> None:
    random, lines = Random(kind), lines_of_events(kind)
    path = tmp_path / f"{kind}.jsonl"
    path.write_bytes(b"\n".join(random.sample(lines, len(lines))))
    for attempt in range(3):
        process = subprocess.Popen([sys.executable, "-c", IN_SMALL_BATCHES, database_url, str(path)])
        enough = random.randrange(len(lines) * (attempt + 1) // 8)
        asyncio.run(_until_stored(database_url, enough, process))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        if attempt == 1:
            in_ledger(database_url, record_definitions, instruments_of(kind))
    code, _, errors = run(database_url, "import", path)
    assert code == 0, errors
    in_ledger(database_url, assert_engine_truth, kind)
    assert in_ledger(database_url, differing_orders, f"dev_{kind}") == []
    assert in_ledger(database_url, broken_invariants) == []


def test_verify_reports_broken_invariants(database_url: str) -> None:
    in_ledger(database_url, record, lines_of("dev_fx")[:300])
    code, output, _ = run(database_url, "verify")
    assert (code, "BROKEN" in output) == (0, False)
    head = f"0:{'0' * 64}"
    assert output.endswith(f"audit: 0 entries, head {head}\n")
    assert run(database_url, "verify", "--audit-head", head)[0] == 0
    code, output, _ = run(database_url, "verify", "--audit-head", f"3:{'ab' * 32}")
    assert code == 1
    assert f"audit entry 3: is missing; noted {'ab' * 32}" in output
    code, _, errors = run(database_url, "verify", "--audit-head", "3:yesterday")
    assert code == 1
    assert "purser: '3:yesterday' is not an audit log head" in errors
    asyncio.run(execute(database_url, "UPDATE orders SET filled_qty = filled_qty + 1 WHERE filled_qty > 0"))
    code, output, errors = run(database_url, "verify")
    assert code == 1
    assert "BROKEN  6" in output
    assert "filled_qty: stored" in output
    assert "do not hold" in errors
