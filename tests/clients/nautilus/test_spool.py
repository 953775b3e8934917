"""The spool survives whatever happens to the process that writes it."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purser_nautilus.reporting.spool import Spool, SpoolBusy

BYTES_MAX = 1024 * 1024


def contents_of(spool: Spool) -> list[bytes]:
    """All unacknowledged records, read in small batches."""
    contents: list[bytes] = []
    place = None
    while True:
        batch, places = spool.read(7, 10_000, place)
        if not batch:
            return contents
        contents += batch
        place = places[-1]


def records(count: int, size: int = 200) -> list[bytes]:
    return [f"{number:06d}".encode() + b"x" * size for number in range(count)]


def test_records_are_read_in_order_until_they_are_acknowledged(tmp_path: Path) -> None:
    spool = Spool(tmp_path, BYTES_MAX)
    assert spool.append(records(1_000)) == 1_000
    assert contents_of(spool) == records(1_000)
    _, places = spool.read(400, BYTES_MAX)
    spool.acknowledge(places[-1])
    assert contents_of(spool) == records(1_000)[400:]
    spool.close()
    reopened = Spool(tmp_path, BYTES_MAX)
    assert contents_of(reopened) == records(1_000)[400:]
    reopened.close()


def test_a_full_spool_keeps_what_it_has_and_takes_more_once_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path, BYTES_MAX)
    fitting = spool.append(records(10_000))
    assert 4_000 < fitting < 10_000
    assert spool.append([b"one more" * 100]) == 0
    assert sum(path.stat().st_size for path in tmp_path.glob("*.log")) <= BYTES_MAX
    assert contents_of(spool) == records(10_000)[:fitting]
    _, places = spool.read(1_000, BYTES_MAX)
    spool.acknowledge(places[-1])
    assert spool.append([b"one more"]) == 1
    assert contents_of(spool)[-1] == b"one more"
    spool.close()


def test_a_spool_never_fills_up_while_all_of_it_is_acknowledged(tmp_path: Path) -> None:
    spool = Spool(tmp_path, BYTES_MAX)
    for _ in range(400):
        assert spool.append(records(100)) == 100
        while spool.pending_bytes:
            _, places = spool.read(100, BYTES_MAX)
            spool.acknowledge(places[-1])
    spool.close()


def test_only_one_process_may_have_a_spool_open(tmp_path: Path) -> None:
    spool = Spool(tmp_path, BYTES_MAX)
    with pytest.raises(SpoolBusy, match="another process"):
        Spool(tmp_path, BYTES_MAX)
    spool.close()
    Spool(tmp_path, BYTES_MAX).close()


@given(cut=st.integers(0, 2_000), garbage=st.binary(max_size=30))
def test_a_torn_tail_is_cut_off(tmp_path_factory: pytest.TempPathFactory, cut: int, garbage: bytes) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, BYTES_MAX)
    spool.append(records(20, 90))
    spool.close()
    path = next(folder.glob("*.log"))
    length = len(path.read_bytes()) // 20
    path.write_bytes(path.read_bytes()[: 20 * length - cut] + garbage)
    whole = max(20 * length - cut, 0) // length
    torn = Spool(folder, BYTES_MAX)
    assert contents_of(torn) == records(20, 90)[:whole]
    torn.append([b"afterwards"])
    assert contents_of(torn) == [*records(20, 90)[:whole], b"afterwards"]
    assert torn.corrupt == 0
    torn.close()


def test_a_damaged_record_is_skipped_and_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path, BYTES_MAX)
    spool.append(records(10))
    spool.close()
    path = next(tmp_path.glob("*.log"))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    reopened = Spool(tmp_path, BYTES_MAX)
    assert len(contents_of(reopened)) == 9
    assert reopened.corrupt == 1
    reopened.close()


def test_new_records_are_not_lost_after_acknowledged_ones_were(tmp_path: Path) -> None:
    """After a loss of power, the file may be shorter than its acknowledged part."""
    spool = Spool(tmp_path, BYTES_MAX)
    spool.append(records(10))
    _, places = spool.read(10, BYTES_MAX)
    spool.acknowledge(places[-1])
    spool.close()
    next(tmp_path.glob("*.log")).write_bytes(b"")
    reopened = Spool(tmp_path, BYTES_MAX, is_durable=True)
    assert reopened.pending_bytes == 0
    reopened.append([b"new"])
    assert contents_of(reopened) == [b"new"]
    reopened.close()


def test_what_is_read_while_more_is_appended_is_whole(tmp_path: Path) -> None:
    rng = random.Random(1)
    spool = Spool(tmp_path, BYTES_MAX)
    written: list[bytes] = []
    read: list[bytes] = []
    while len(read) < 2_000:
        new = records(rng.randint(0, 40), rng.randint(0, 400))
        assert spool.append(new) == len(new)
        written += new
        batch, places = spool.read(rng.randint(1, 30), 20_000)
        if batch:
            read += batch
            spool.acknowledge(places[-1])
    assert read == written[: len(read)]
    spool.close()
