"""Instruments."""

from collections.abc import Sequence

from app.database import WriteConnection
from app.errors import InputInvalid
from app.ledger.administration.instruments import record_instruments as _record
from app.ledger.commands import InstrumentDefinition
from app.ledger.currencies import check_known, load_currencies
from app.principal import Principal, Role
from app.resolvers.acts import act
from app.resolvers.context import Context

TOGETHER_MAX = 1000


async def record_instruments(
    context: Context, principal: Principal, definitions: Sequence[InstrumentDefinition]
) -> int:
    """Say what instruments are valued by, all or none of them; answers how many there are.

    A trader may add instruments; to value a known one otherwise takes an admin of all strategies, and no fills in it.
    Raises Forbidden, InputInvalid, InstrumentInUse, Busy.
    """
    principal.require(Role.TRADER)
    if len(definitions) > TOGETHER_MAX:
        raise InputInvalid(f"{len(definitions)} instruments at once; at most {TOGETHER_MAX} are taken.", "inputs")
    async with act(context) as work:
        await _check_currencies(work, definitions)
        return await _record(work, principal, definitions)


async def _check_currencies(work: WriteConnection, definitions: Sequence[InstrumentDefinition]) -> None:
    """Refuse what is probably a slip. The ledger checks the rest, and that what is given twice is the same."""
    known = await load_currencies(work)
    for place, definition in enumerate(definitions):
        path = ("inputs", str(place))
        check_known(definition.quote_currency, known, *path, "quote_currency")
        check_known(definition.settlement_currency, known, *path, "settlement_currency")
        if definition.base_currency is not None:
            check_known(definition.base_currency, known, *path, "base_currency", is_base=True)
