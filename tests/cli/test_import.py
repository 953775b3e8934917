"""`purser import` and `purser verify`, as processes: output, exit codes, and the rows that remain after a kill."""

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
from tests.engines.test_nautilus_instruments import crypto
from tests.ledger.state import broken_invariants, content_of, digest_of, lines_of, record, wipe
from tests.ledger.test_engine_truth import KINDS, instruments_of, lines_of_events, meets_truth, record_definitions
from tests.ledger.test_order_truth import differing

XBT = crypto("CryptoPerpetual", "BTC", "USD", "BTC", is_inverse=True) | {"id": "BTC/USD.BITMEX"}
_STORED = "SELECT count(*) FROM order_events"
LINES = 12_000


def command(database_url: str, *arguments: str | Path) -> Forked:
    return Forked(arguments, environment({"PURSER_DATABASE_URL": database_url, "COLUMNS": "200"}))


def run(database_url: str, *arguments: str | Path) -> tuple[int, str, str]:
    with command(database_url, *arguments) as process:
        output, errors = process.communicate()
    assert process.returncode is not None
    return process.returncode, output, errors


def with_ledger(database_url: str, act: Any, *arguments: Any) -> Any:
    async def opened() -> Any:
        database = await Database.open(database_url)
        try:
            return await act(database, *arguments)
        finally:
            await database.close()

    return asyncio.run(opened())


async def _stored_events(database_url: str) -> int:
    connection = await connect(database_url)
    try:
        return int(await connection.fetchval(_STORED))
    finally:
        await connection.close()


async def _until_stored(database_url: str, enough: int, process: "Forked | subprocess.Popen[bytes]") -> None:
    """Wait until the process has stored more than that many events, or has ended."""
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


def test_says_what_was_new_and_what_was_not(database_url: str, recording: Path, tmp_path: Path) -> None:
    code, _, said = run(database_url, "import", recording)
    assert code == 0
    found = re.search(r"12,000 lines .*: ([\d,]+) new, ([\d,]+) duplicate, 0 quarantined, 0 refused", said)
    assert found is not None, said
    assert sum(int(number.replace(",", "")) for number in found.groups()) == LINES
    plain = tmp_path / "part.jsonl"
    plain.write_bytes(gzip.decompress(recording.read_bytes()))
    before = with_ledger(database_url, digest_of)
    code, _, said = run(database_url, "import", plain)
    assert (code, "0 new, 12,000 duplicate" in said) == (0, True), said
    assert with_ledger(database_url, digest_of) == before


def test_names_bad_lines_and_goes_on(database_url: str, tmp_path: Path) -> None:
    good = lines_of("dev_fx")[:4]
    path = tmp_path / "mixed.jsonl"
    bad = [b"{not json", b'{"type":"OrderTeleported"}', b"\xff\xfe", b"x" * 2_000_000]
    path.write_bytes(
        b"\n".join(
            [good[0], bad[0], good[1], b"", bad[1], good[2], bad[2], bad[3], b'{"type":"AccountState"}', good[3]]
        )
    )
    code, _, said = run(database_url, "import", path)
    assert code == 3
    for number, reason in (
        (2, "MALFORMED_JSON"),
        (5, "UNKNOWN_EVENT_TYPE"),
        (7, "MALFORMED_JSON"),
        (8, "EVENT_TOO_LARGE"),
    ):
        assert f"mixed.jsonl:{number}: {reason}" in said
    assert "4 new, 0 duplicate, 0 quarantined, 4 refused, 1 passed over" in said


def test_a_file_that_cannot_be_read_to_its_end_is_named_and_its_beginning_stays(
    database_url: str, recording: Path, tmp_path: Path
) -> None:
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(recording.read_bytes()[:-100_000])
    no_archive = tmp_path / "plain.jsonl.gz"
    no_archive.write_bytes(b"not an archive")
    code, _, said = run(database_url, "import", torn, tmp_path / "missing.jsonl", no_archive)
    assert code == 1
    taken = re.search(
        r"torn.jsonl.gz cannot be read to its end: .*; the (\d+) lines before the damage were imported", said
    )
    assert taken is not None, said
    assert int(taken[1]) > 5_000
    for path in ("torn.jsonl.gz", "missing.jsonl", "plain.jsonl.gz"):
        assert path in said
    assert "Traceback" not in said
    assert asyncio.run(_stored_events(database_url)) > 3_000
    assert with_ledger(database_url, broken_invariants) == []


def test_instruments_among_the_events_value_them_and_one_that_contradicts_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "inverse.jsonl"
    path.write_bytes(b"\n".join([*lines_of_events("inverse"), json.dumps(XBT).encode()]))
    code, _, said = run(database_url, "import", path)
    assert (code, "1 instruments" in said) == (0, True), said
    with_ledger(database_url, meets_truth, "inverse")
    contradicting = tmp_path / "contradicting.jsonl"
    contradicting.write_text(f"\n{json.dumps(XBT | {'multiplier': '10'})}\n")
    before = with_ledger(database_url, digest_of)
    code, _, said = run(database_url, "import", contradicting)
    assert (code, "contradicting.jsonl:2: INSTRUMENT_IN_USE" in said) == (3, True), said
    assert with_ledger(database_url, digest_of) == before
    code, _, said = run(database_url, "import", path)
    assert (code, " 0 new," in said) == (0, True), said


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_file_may_be_one_json_array_of_events_and_instruments(
    database_url: str, tmp_path: Path, is_gzip: bool
) -> None:
    lines = lines_of_events("inverse")[:300]
    with_ledger(database_url, record, lines)
    with_ledger(database_url, record_definitions, instruments_of("inverse"))
    expected = with_ledger(database_url, content_of)
    expected["instruments"] = {(*row[:-1], "CryptoPerpetual") for row in expected["instruments"]}
    with_ledger(database_url, wipe)
    array = json.dumps([XBT, *map(json.loads, lines), {"type": "OrderTeleported"}], indent=2).encode()
    path = tmp_path / "array.json"
    path.write_bytes(gzip.compress(array) if is_gzip else array)
    code, _, said = run(database_url, "import", path)
    assert (code, "array.json:302: UNKNOWN_EVENT_TYPE" in said, "1 instruments" in said) == (3, True, True), said
    assert with_ledger(database_url, content_of) == expected


def test_an_array_that_does_not_end_is_refused_as_a_whole(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "array.json"
    path.write_bytes(b"[" + b",".join(lines_of("dev_fx")[:10]))
    code, _, said = run(database_url, "import", path)
    assert (code, "a JSON array, but not a whole one" in said) == (1, True), said
    assert asyncio.run(_stored_events(database_url)) == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_import_cut_off_anywhere_and_repeated_ends_in_the_truth(
    database_url: str, recording: Path, how: signal.Signals
) -> None:
    with command(database_url, "import", recording) as process:
        asyncio.run(_until_stored(database_url, 0, process))
        process.send_signal(how)
        _, said = process.communicate()
    assert process.returncode == {signal.SIGKILL: -9}.get(how, 130), said
    assert "Traceback" not in said
    code, _, said = run(database_url, "import", recording)
    assert code == 0, said
    repeated = with_ledger(database_url, content_of)
    with_ledger(database_url, wipe)
    with_ledger(database_url, record, lines_of("dev_crypto")[:LINES])
    assert with_ledger(database_url, content_of) == repeated


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
def test_kills_again_and_again_end_in_the_engines_truth(database_url: str, kind: str, tmp_path: Path) -> None:
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
            with_ledger(database_url, record_definitions, instruments_of(kind))
    code, _, said = run(database_url, "import", path)
    assert code == 0, said
    with_ledger(database_url, meets_truth, kind)
    assert with_ledger(database_url, differing, f"dev_{kind}") == []
    assert with_ledger(database_url, broken_invariants) == []


def test_verify_says_that_all_holds_or_what_does_not(database_url: str) -> None:
    with_ledger(database_url, record, lines_of("dev_fx")[:300])
    code, output, _ = run(database_url, "verify")
    assert (code, "BROKEN" in output) == (0, False)
    head = f"0:{'0' * 64}"
    assert output.endswith(f"audit: 0 entries, head {head}\n")
    assert run(database_url, "verify", "--audit-head", head)[0] == 0
    code, output, _ = run(database_url, "verify", "--audit-head", f"3:{'ab' * 32}")
    assert code == 1
    assert f"audit entry 3: is missing; noted {'ab' * 32}" in output
    code, _, said = run(database_url, "verify", "--audit-head", "3:yesterday")
    assert code == 1
    assert "purser: '3:yesterday' is not an audit log head" in said
    asyncio.run(execute(database_url, "UPDATE orders SET filled_qty = filled_qty + 1 WHERE filled_qty > 0"))
    code, output, said = run(database_url, "verify")
    assert code == 1
    assert "BROKEN  6" in output
    assert "filled_qty: stored" in output
    assert "do not hold" in said
