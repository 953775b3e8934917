"""Recording what instruments are valued by."""

from collections.abc import Iterable, Mapping, Sequence

import asyncpg
from msgspec.structs import replace

from app.database import WriteConnection
from app.errors import InputInvalid, InstrumentInUse
from app.ledger.audit import Act, Action, Entity, record_all
from app.ledger.by_keys import array_source
from app.ledger.commands import InstrumentDefinition
from app.ledger.input_checks import check_currency, check_identifier, check_positive
from app.ledger.locks import lock_all_strategies
from app.ledger.settle import settle
from app.ledger.writing import Merge, write
from app.models import Instrument
from app.models.order import OPEN
from app.principal import Principal, Role

_COLUMNS = (*("instrument_id", "base_currency", "quote_currency", "settlement_currency", "multiplier", "is_inverse"),)
_KNOWN = "SELECT * FROM instruments WHERE instrument_id = ANY($1)"
_FILLED = "SELECT id FROM unnest($1::text[]) id WHERE EXISTS (SELECT FROM fills WHERE instrument_id = id) ORDER BY 1"
_HELD_OTHERWISE = f"""
SELECT DISTINCT n.instrument_id AS id FROM {array_source("instrument_id text", "currency text")} n
JOIN orders o ON o.instrument_id = n.instrument_id AND {OPEN}
JOIN holds h ON h.strategy_id = o.strategy_id AND h.client_order_id = o.client_order_id AND h.currency <> n.currency
ORDER BY 1
"""


async def record_instruments(
    work: WriteConnection, principal: Principal, definitions: Sequence[InstrumentDefinition]
) -> int:
    """Say what instruments are valued by, all or none of them; answers how many there are. Null leaves a base as it is.

    Once fills were valued, only the names of base and quote may change. Before that, an admin may change everything.
    Raises InputInvalid, InstrumentInUse, Forbidden.
    """
    given = _checked(definitions)
    if await _news(work, given):
        # Whoever values a fill or an order by these instruments is done, or has not begun.
        await lock_all_strategies(work)
        await _write(work, principal, await _news(work, given))
    return len(given)


async def _news(
    work: WriteConnection, given: dict[str, InstrumentDefinition]
) -> list[tuple[InstrumentDefinition | None, InstrumentDefinition]]:
    """(stored, to be stored) of those that differ, sorted by id."""
    stored = {row["instrument_id"]: _definition(row) for row in await work.fetch(_KNOWN, list(given))}
    news = []
    for instrument_id, definition in sorted(given.items()):
        before = stored.get(instrument_id)
        if before is not None and definition.base_currency is None:
            definition = replace(definition, base_currency=before.base_currency)
        if definition != before:
            news.append((before, definition))
    return news


async def _write(
    work: WriteConnection,
    principal: Principal,
    news: Sequence[tuple[InstrumentDefinition | None, InstrumentDefinition]],
) -> None:
    revalued = [(before, after) for before, after in news if before is None or _value(before) != _value(after)]
    if any(before is not None for before, _ in revalued):
        principal.require(Role.ADMIN)
        principal.require_all_strategies()
    settlement_currencies = {after.instrument_id: after.settlement_currency for _, after in revalued}
    await _refuse_filled(work, settlement_currencies)
    await _refuse_held_otherwise(work, settlement_currencies)
    rows = [
        (
            *(after.instrument_id, after.base_currency, after.quote_currency, after.settlement_currency),
            *(after.multiplier, after.is_inverse),
        )
        for _, after in news
    ]
    await write(work, [Merge(Instrument, _COLUMNS, rows)])
    await settle(work, settlement_currencies)
    acts = [
        Act(
            action=Action.INSTRUMENT_RECORD,
            entity_type="instrument",
            entity_id=after.instrument_id,
            strategy_id=None,
            before=_described(before) if before is not None else None,
            after=_described(after),
        )
        for before, after in news
    ]
    await record_all(work, principal, acts)


async def _refuse_filled(work: WriteConnection, instrument_ids: Iterable[str]) -> None:
    if filled := [row["id"] for row in await work.fetch(_FILLED, list(instrument_ids))]:
        raise InstrumentInUse(
            f"Fills in {', '.join(filled[:10])} were valued by what is recorded; multiplier, settlement currency and "
            "inverse stay as they are."
        )


async def _refuse_held_otherwise(work: WriteConnection, settlement_currencies: Mapping[str, str]) -> None:
    """A hold stays in its currency as long as its order is open."""
    columns = list(settlement_currencies), list(settlement_currencies.values())
    if held := [row["id"] for row in await work.fetch(_HELD_OTHERWISE, *columns)]:
        raise InstrumentInUse(
            f"Open orders in {', '.join(held[:10])} hold another currency; record the instrument once they ended."
        )


def _checked(definitions: Sequence[InstrumentDefinition]) -> dict[str, InstrumentDefinition]:
    given: dict[str, InstrumentDefinition] = {}
    for place, definition in enumerate(definitions):
        path = ("inputs", str(place))
        check_identifier(definition.instrument_id, *path, "instrument_id")
        check_currency(definition.quote_currency, *path, "quote_currency")
        check_currency(definition.settlement_currency, *path, "settlement_currency")
        if definition.base_currency is not None:
            check_currency(definition.base_currency, *path, "base_currency")
        check_positive(definition.multiplier, *path, "multiplier")
        if definition.is_inverse:
            raise InputInvalid("Inverse instruments cannot be valued yet.", *path, "is_inverse")
        if given.setdefault(definition.instrument_id, definition) != definition:
            raise InputInvalid("The instrument is given twice, in two ways.", *path, "instrument_id")
    return given


def _value(definition: InstrumentDefinition) -> tuple[object, ...]:
    """What fills and holds are valued by."""
    return definition.multiplier, definition.settlement_currency, definition.is_inverse


def _definition(row: asyncpg.Record) -> InstrumentDefinition:
    return InstrumentDefinition(**{column: row[column] for column in _COLUMNS})


def _described(definition: InstrumentDefinition) -> Entity:
    return {
        "instrumentId": definition.instrument_id,
        "baseCurrency": definition.base_currency,
        "quoteCurrency": definition.quote_currency,
        "settlementCurrency": definition.settlement_currency,
        "multiplier": f"{definition.multiplier:f}",
        "isInverse": definition.is_inverse,
    }
