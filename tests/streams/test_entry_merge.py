"""Entries of several streams are taken in the order of their ids, however much of each stream is read at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.streams.entry_merge import Entry, EntryMerge, place_of

_IDS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 2)), unique=True, max_size=25).map(sorted)
_STREAMS = st.dictionaries(st.sampled_from([b"a", b"b", b"c"]), _IDS, min_size=1)


def entry(key: bytes, place: tuple[int, int]) -> Entry:
    return Entry(place, key, b"%d-%d" % place, b"topic", b"payload")


def test_ids_are_compared_as_numbers() -> None:
    assert place_of(b"1700000000000-9") < place_of(b"1700000000000-10") < place_of(b"10000000000000-0")


@given(_STREAMS, st.integers(1, 5), st.integers(1, 7))
def test_entries_are_taken_in_the_order_of_their_ids_by_whole_milliseconds(
    streams: dict[bytes, list[tuple[int, int]]], share: int, most: int
) -> None:
    merge, taken = EntryMerge(), list[Entry]()
    left = {key: [entry(key, place) for place in places] for key, places in streams.items()}
    while True:
        while not merge.is_ready and not (merge.is_empty and merge.is_complete and not any(left.values())):
            for key in merge.to_read(left):
                read, left[key] = left[key][:share], left[key][share:]
                merge.add(key, read, is_open=len(read) == share)
        batch = merge.take(most)
        if not batch:
            break
        assert not taken or batch[0].place[0] > taken[-1].place[0]
        assert all(one.place[0] == batch[-1].place[0] for one in batch[most - 1 :])
        taken += batch
    assert [one.place for one in taken] == sorted(place for places in streams.values() for place in places)
    assert len(set(taken)) == len(taken)


def test_nothing_is_taken_beyond_what_was_read_of_an_open_stream() -> None:
    merge = EntryMerge()
    merge.add(b"a", [entry(b"a", (1, 0)), entry(b"a", (5, 0))], is_open=True)
    merge.add(b"b", [entry(b"b", (3, 0)), entry(b"b", (9, 0))], is_open=False)
    assert [one.place[0] for one in merge.take(10)] == [1, 3]
    # Stream a may have more entries of millisecond 5.
    assert (merge.take(10), merge.is_empty, merge.is_ready) == ([], False, False)
    # Stream b may have grown since it was read.
    assert merge.to_read([b"a", b"b"]) == [b"a", b"b"]
    merge.add(b"a", [entry(b"a", (5, 1))], is_open=False)
    merge.add(b"b", [], is_open=False)
    assert [one.place for one in merge.take(10)] == [(5, 0), (5, 1), (9, 0)]
    assert (merge.is_empty, merge.is_complete) == (True, True)


def test_a_millisecond_is_taken_as_a_whole() -> None:
    merge = EntryMerge()
    merge.add(b"a", [entry(b"a", (1, number)) for number in range(5)], is_open=False)
    merge.add(b"b", [entry(b"b", (1, 0)), entry(b"b", (2, 0))], is_open=False)
    assert len(merge.take(2)) == 6
    assert [one.place for one in merge.take(2)] == [(2, 0)]


def test_a_millisecond_too_large_for_memory_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.streams.entry_merge.MILLISECOND_MAX", 6)
    merge = EntryMerge()
    for start in (0, 3):
        assert not merge.is_ready
        assert merge.to_read([b"a"]) == [b"a"]
        merge.add(b"a", [entry(b"a", (1, number)) for number in range(start, start + 3)], is_open=True)
    assert len(merge.take(2)) == 6
    assert not merge.is_ready


def test_entries_of_another_consumer_are_inserted_in_order() -> None:
    merge = EntryMerge()
    merge.add(b"a", [entry(b"a", (5, 0))], is_open=False)
    merge.insert([entry(b"a", (2, 0)), entry(b"b", (4, 0)), entry(b"b", (1, 0))])
    assert [one.place[0] for one in merge.take(10)] == [1, 2, 4, 5]
