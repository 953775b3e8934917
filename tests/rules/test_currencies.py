"""Which code was meant: another case, one slip, and nothing beyond."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.currencies import WELL_KNOWN, did_you_mean, is_code, nearest

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODES = st.text(LETTERS, min_size=3, max_size=6)


@pytest.mark.parametrize(
    ("code", "in_use", "meant"),
    [
        ("usdt", [], "USDT"),
        ("Usdt", [], "USDT"),
        ("usdt", ["USD"], "USDT"),
        ("USDC.E", [], "USDC.e"),
        ("KPEPE", ["kPEPE"], "kPEPE"),
        ("foo", [], "FOO"),
        ("foo", ["fOO"], "fOO"),
        ("USTD", ["USDT"], "USDT"),
        ("UDST", ["USDT"], "USDT"),
        ("USTT", ["USDT"], "USDT"),
        ("USDTT", ["USDT"], "USDT"),
        ("UST", ["USDT"], None),
        ("UDT", ["USDT"], "USDT"),
        ("usdx", ["USDT"], "USDT"),
        ("USDX", ["USDT", "USDC"], "USDC"),
        ("USDX", [], None),
        ("USDX", ["USDX", "USDT"], None),
        ("usdt", ["usdt", "USDT"], None),
        ("USDC", ["USDT"], None),
        ("BTG", ["BTC"], None),
        ("kBONK", ["USDT"], None),
        ("AB", ["A", "ABC"], None),
        ("TDSU", ["USDT"], None),
    ],
)
def test_what_was_meant(code: str, in_use: list[str], meant: str | None) -> None:
    assert did_you_mean(code, in_use) == meant


@given(CODES, st.data())
def test_every_single_slip_is_found(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 1))
    letter = data.draw(st.sampled_from(LETTERS))
    exchanged = code[:place] + code[place : place + 2][::-1] + code[place + 2 :]
    slips = {code[:place] + letter + code[place:], code[:place] + letter + code[place + 1 :], exchanged}
    slips |= {code[:place] + code[place + 1 :]} if len(code) > 3 else set()
    for slip in slips - {code}:
        assert nearest(slip, [code]) == code
        assert nearest(slip.lower(), [code]) == code


@given(CODES, st.sets(CODES, max_size=5))
def test_what_is_suggested_is_known_and_what_is_known_is_right(code: str, in_use: set[str]) -> None:
    meant = did_you_mean(code, in_use)
    assert meant is None or meant in in_use | WELL_KNOWN
    assert all(did_you_mean(one, in_use) is None for one in (*in_use, *WELL_KNOWN))


def test_well_known_codes_differ_in_more_than_case() -> None:
    assert len({code.upper() for code in WELL_KNOWN}) == len(WELL_KNOWN)
    assert all(map(is_code, WELL_KNOWN))


@pytest.mark.parametrize("text", ["", " ", "US DT", "123", "-A", ".e", "A/B", "€", "A\x00", "A\n", "٣A"])
def test_what_is_no_code(text: str) -> None:
    assert not is_code(text)
