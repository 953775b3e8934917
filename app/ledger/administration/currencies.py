"""The currencies that the ledger knows, and the check of a code that an act names: a slip would make another budget.

Codes that an engine reports are facts. They are not checked, and make the currency known.
"""

from typing import NamedTuple

from app.database import ReadConnection
from app.errors import InputInvalid
from app.principal import Principal
from app.rules.currencies import WELL_KNOWN, in_upper_case, is_code, nearest, same_but_for_case

_KNOWN = """
SELECT code, bool_or(is_money) AS is_money FROM (
    SELECT quote_currency AS code, true AS is_money FROM instruments
    UNION SELECT settlement_currency, true FROM instruments
    UNION SELECT base_currency, false FROM instruments WHERE base_currency IS NOT NULL
    UNION SELECT currency, true FROM fill_sums WHERE $1::uuid[] IS NULL OR strategy_id = ANY($1)
    UNION SELECT currency, true FROM budgets
    WHERE (allocated IS NOT NULL OR reserved_orders + reserved_positions <> 0) AND ($1 IS NULL OR strategy_id = ANY($1))
) codes GROUP BY code
"""


class Currencies(NamedTuple):
    """Codes by what is known of them: paid in, or held as a budget; traded only, as an instrument's base."""

    money: frozenset[str]
    traded: frozenset[str]


async def load_currencies(connection: ReadConnection, principal: Principal) -> Currencies:
    """Those of instruments, and of the fills and budgets that the principal sees.

    A budget that was taken away, with nothing reserved, makes none known.
    """
    seen = principal.strategy_ids
    rows = await connection.fetch(_KNOWN, None if seen is None else list(seen))
    money = frozenset(row["code"] for row in rows if row["is_money"])
    return Currencies(money, frozenset(row["code"] for row in rows) - money)


def check_known(code: str, known: Currencies, *path: str, is_new: bool = False, is_base: bool = False) -> None:
    """Refuse a code that is probably a slip. Raises InputInvalid, which says what was meant.

    `is_new`: the caller says that it is a new currency, so it may be near to a known one; another case is refused all
    the same. `is_base`: the base of an instrument, which may be near to any.
    """
    if code in known.money or code in known.traded or code in WELL_KNOWN:
        return
    if not is_code(code):
        raise InputInvalid(f"{path[-1]} is a currency's code, like 'USDT', not {code!r}.", *path)
    meant, more = same_but_for_case(code, (*known.money, *known.traded)), ""
    if meant is None and not (is_new or is_base) and (meant := nearest(code, known.money)) is not None:
        more = " A new one becomes known by a budget in it, set with newCurrency (new_currency=true over REST)."
    if meant is None:
        meant = in_upper_case(code)
    if meant is not None:
        raise InputInvalid(f"{code!r} is no currency that is known. Did you mean {meant}?{more}", *path)
