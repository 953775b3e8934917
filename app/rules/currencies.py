"""Currencies' codes: which are known, and which one a code that is not was probably meant to be. Pure."""

import re
from collections.abc import Collection, Iterable

# ISO 4217 of 2025, with the metals, and CNH as it is traded.
_MONEY = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNH
CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU
MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK
SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XAG
XAU XCD XCG XDR XOF XPD XPF XPT YER ZAR ZMW ZWG
"""
# What NautilusTrader has constants for (crates/model/src/currencies.rs), and what venues settle and quote in beside.
_CRYPTO = """
1INCH AAVE ACA ADA AEUR APT ARB ATOM AVAX BCH BFUSD BNB BRZ BSV BTC BTG BTTC BUSD CAKE DAI DASH DOGE DOT EOS ETC ETH
ETHW EURC EURI EURT FDUSD FIL FRAX GUSD HYPE JOE LINK LTC LUNA MATIC NBT NEAR OKB OP PAX PAXG POL PYUSD RLUSD SHIB SOL
SUI SUSD TON TRX TRYB TUSD UNI USD1 USDB USDC USDC.e USDD USDE USDG USDP USDS USDT UST VAI VTC WBTC WETH WSB XBT XEC XLM
XMR XRP XTZ ZEC
"""
WELL_KNOWN = frozenset(_MONEY.split()) | frozenset(_CRYPTO.split())
"""Always right, however near another one is: USDT beside USDC. A code need not be here to be taken."""

NEAR_LENGTH_MIN = 3
"""Shorter codes are near to too many."""

_CODE = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def is_code(text: str) -> bool:
    """Whether a currency that is new may be called so: letters, digits, and `.`, `_`, `-` inside."""
    return _CODE.fullmatch(text) is not None


def same_but_for_case(code: str, known: Iterable[str]) -> str | None:
    """The known code that differs from this one in upper and lower case only; the first by the alphabet."""
    folded = code.upper()
    return min((one for one in (*known, *WELL_KNOWN) if one != code and one.upper() == folded), default=None)


def nearest(code: str, known: Iterable[str]) -> str | None:
    """The known code that one slip makes this one of: a letter more, less, other, or two exchanged."""
    folded = code.upper()
    return min((one for one in known if _is_near(folded, one.upper())), default=None)


def in_upper_case(code: str) -> str | None:
    """A code that is all in lower case as it should be; None where it is not."""
    return code.upper() if code.islower() else None


def did_you_mean(code: str, in_use: Collection[str]) -> str | None:
    """What a code was probably meant to be; None where it is known itself, or like none that is.

    A slip is looked for among those in use only: of three letters, most are near to one or another that is well known.
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
