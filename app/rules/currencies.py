"""Currency codes: the known ones, and suggestions for unknown ones. Pure."""

import re
from collections.abc import Collection, Iterable

# ISO 4217 of 2025, including metals, and CNH.
_MONEY = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNH
CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU
MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK
SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XAG
XAU XCD XCG XDR XOF XPD XPF XPT YER ZAR ZMW ZWG
"""
# NautilusTrader's constants (crates/model/src/currencies.rs), and other currencies of venues.
_CRYPTO = """
1INCH AAVE ACA ADA AEUR APT ARB ATOM AVAX BCH BFUSD BNB BRZ BSV BTC BTG BTTC BUSD CAKE DAI DASH DOGE DOT EOS ETC ETH
ETHW EURC EURI EURT FDUSD FIL FRAX GUSD HYPE JOE LINK LTC LUNA MATIC NBT NEAR OKB OP PAX PAXG POL PYUSD RLUSD SHIB SOL
SUI SUSD TON TRX TRYB TUSD UNI USD1 USDB USDC USDC.e USDD USDE USDG USDP USDS USDT UST VAI VTC WBTC WETH WSB XBT XEC XLM
XMR XRP XTZ ZEC
"""
WELL_KNOWN = frozenset(_MONEY.split()) | frozenset(_CRYPTO.split())
"""These codes are never taken for mistyped ones: USDT differs from USDC by one letter. Other codes are accepted too."""

NEAR_LENGTH_MIN = 3
"""Shorter codes resemble too many others."""

_CODE = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def is_code(text: str) -> bool:
    """Whether a new currency may have this code: letters and digits, with `.`, `_` and `-` inside."""
    return _CODE.fullmatch(text) is not None


def same_but_for_case(code: str, known: Iterable[str]) -> str | None:
    """The known code that differs from this one only in case; of several, the first alphabetically."""
    folded = code.upper()
    return min((one for one in (*known, *WELL_KNOWN) if one != code and one.upper() == folded), default=None)


def nearest(code: str, known: Iterable[str]) -> str | None:
    """The known code that differs by one typing error: a letter added, missing, replaced, or two letters exchanged."""
    folded = code.upper()
    return min((one for one in known if _is_near(folded, one.upper())), default=None)


def in_upper_case(code: str) -> str | None:
    """The upper-case form of a code in lower case; None for other codes."""
    return code.upper() if code.islower() else None


def did_you_mean(code: str, in_use: Collection[str]) -> str | None:
    """The code that was probably meant; None if this code is known or resembles no known code.

    Typing errors are sought among the codes in use only: most three-letter codes resemble some well-known code.
    """
    if code in in_use or code in WELL_KNOWN:
        return None
    return same_but_for_case(code, in_use) or nearest(code, in_use) or in_upper_case(code)


def _is_near(one: str, other: str) -> bool:
    if min(len(one), len(other)) < NEAR_LENGTH_MIN or one == other:
        return False
    if len(one) == len(other):
        places = [place for place in range(len(one)) if one[place] != other[place]]
        if len(places) != 2:
            return len(places) == 1
        first, second = places
        return second == first + 1 and one[first] == other[second] and one[second] == other[first]
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))
