"""Instruments."""

from collections.abc import Sequence

from app.database import WriteConnection
from app.errors import InputInvalid
from app.ledger.administration.budgets import check_known, load_currencies
from app.ledger.administration.instruments import record_instruments as _record
from app.principal import Principal, Role
from app.resolvers.context import Context, transaction
from app.rules.valuation import InstrumentDefinition

TOGETHER_MAX = 1000


async def record_instruments(
    context: Context, principal: Principal, definitions: Sequence[InstrumentDefinition]
) -> int:
    """Record the terms of instruments, all or none of them; returns their number.

    A trader whose key covers all strategies may record instruments that are not recorded yet. Correcting a recorded
    one takes an admin, and no amount may have been valued by it. Raises Forbidden, InputInvalid, InstrumentInUse,
    Busy.
    """
    principal.require(Role.TRADER)
    if len(definitions) > TOGETHER_MAX:
        raise InputInvalid(f"{len(definitions)} instruments at once; at most {TOGETHER_MAX} are taken.", "inputs")
    async with transaction(context) as work:
        await _check_currencies(work, principal, definitions)
        return await _record(work, principal, definitions)


async def _check_currencies(
    work: WriteConnection, principal: Principal, definitions: Sequence[InstrumentDefinition]
) -> None:
    """Refuse currencies that are probably typing errors. The ledger checks the rest, and that repeated definitions
    agree.
    """
    known = await load_currencies(work, principal)
    for place, definition in enumerate(definitions):
        path = ("inputs", str(place))
        check_known(definition.quote_currency, known, *path, "quote_currency")
        check_known(definition.settlement_currency, known, *path, "settlement_currency")
        if definition.base_currency is not None:
            check_known(definition.base_currency, known, *path, "base_currency", is_base=True)
