"""The text of API keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.api_keys import hash_of, is_like_a_key, is_secret_of, new_key, read_key


def test_a_key_round_trips_through_its_text() -> None:
    key = new_key()
    assert read_key(str(key)) == key
    assert len(bytes.fromhex(key.secret)) * 8 >= 256


def test_new_keys_are_unique() -> None:
    keys = [new_key() for _ in range(100)]
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 100


def test_only_the_whole_secret_matches_its_hash() -> None:
    key = new_key()
    stored = hash_of(key.secret)
    assert key.secret not in stored
    assert is_secret_of(key.secret, stored)
    for wrong in ("", key.secret[:-1], key.secret.upper() + "0", new_key().secret, stored):
        assert not is_secret_of(wrong, stored)


@pytest.mark.parametrize("change", [str.upper, str.strip, lambda text: text[:-1], lambda text: f"{text} ", str.title])
def test_a_changed_key_text_is_not_a_key(change: object) -> None:
    text = str(new_key())
    changed = change(text)  # type: ignore[operator]
    assert (read_key(changed) is None) == (changed != text)


@pytest.mark.parametrize("name", ["4f0c2a9be1d3c877", "4F0C2A9BE1D3C877", " 4f0c2a9be1d3c877", "PURSER_x", "purser_"])
def test_a_name_that_resembles_a_key_is_recognized(name: str) -> None:
    assert is_like_a_key(name)


@pytest.mark.parametrize("name", ["bot", "0123456789abcde", "0123456789abcdefg", "purser", "0123456789abcdef-bot"])
def test_other_names_are_not_mistaken_for_keys(name: str) -> None:
    assert not is_like_a_key(name)


@given(st.text())
def test_random_text_is_not_a_key(text: str) -> None:
    assert read_key(text) is None
