"""Instruments."""

from collections.abc import Sequence

from app.errors import InputInvalid
from app.ledger.administration.instruments import record_instruments as _record
from app.ledger.commands import InstrumentDefinition
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
        return await _record(work, principal, definitions)
