"""Suggestions for mistyped currencies: another case or one typing error, and nothing else."""

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
def test_did_you_mean_suggests_the_intended_code(code: str, in_use: list[str], meant: str | None) -> None:
    assert did_you_mean(code, in_use) == meant


@given(CODES, st.data())
def test_every_single_typing_error_is_corrected(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 1))
    letter = data.draw(st.sampled_from(LETTERS))
    exchanged = code[:place] + code[place : place + 2][::-1] + code[place + 2 :]
    misspellings = {code[:place] + letter + code[place:], code[:place] + letter + code[place + 1 :], exchanged}
    misspellings |= {code[:place] + code[place + 1 :]} if len(code) > 3 else set()
    for misspelling in misspellings - {code}:
        assert nearest(misspelling, [code]) == code
        assert nearest(misspelling.lower(), [code]) == code


@given(CODES, st.sets(CODES, max_size=5))
def test_suggestions_are_known_codes_and_known_codes_get_no_suggestion(code: str, in_use: set[str]) -> None:
    meant = did_you_mean(code, in_use)
    assert meant is None or meant in in_use | WELL_KNOWN
    assert all(did_you_mean(one, in_use) is None for one in (*in_use, *WELL_KNOWN))


def test_well_known_codes_differ_in_more_than_case() -> None:
    assert len({code.upper() for code in WELL_KNOWN}) == len(WELL_KNOWN)
    assert all(map(is_code, WELL_KNOWN))


@pytest.mark.parametrize("text", ["", " ", "US DT", "123", "-A", ".e", "A/B", "€", "A\x00", "A\n", "٣A"])
def test_a_malformed_text_is_not_a_code(text: str) -> None:
    assert not is_code(text)
