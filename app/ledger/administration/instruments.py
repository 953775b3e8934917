"""Records the terms of instruments, before or after their first fill."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import convert
from msgspec.structs import replace
from sqlalchemy import exists, select

from app.database import Database, WriteConnection
from app.errors import Forbidden, InputInvalid, InstrumentInUse
from app.ledger.batch import Rejected
from app.ledger.commands import check_currency, check_identifier, check_positive
from app.ledger.holds.revaluation import revalue
from app.ledger.storage.audit_log import Action, AuditRecord, described, record
from app.ledger.storage.locks import LockedStrategy, lock_all_strategies
from app.ledger.storage.queries import is_any_of, sql
from app.ledger.storage.row_mapping import columns_of, table_of
from app.ledger.storage.writing import Merge, write
from app.models.instruments import Discrepancy, Instrument
from app.principal import Principal, Role
from app.rules.enums import DiscrepancyKind, InstrumentSource
from app.rules.valuation import InstrumentDefinition

_TERMS = InstrumentDefinition.__struct_fields__
_COLUMNS = (*_TERMS, "source")
if set(_COLUMNS) != set(columns_of(Instrument)):
    raise TypeError("an instrument's columns are its definition's fields and its source")
_DISCREPANCIES = table_of(Discrepancy).c
_KNOWN = sql(select(table_of(Instrument)).where(is_any_of(table_of(Instrument).c.instrument_id, 1)))
_QUANTITY_DIFFERS = sql(
    select(exists().where(_DISCREPANCIES.kind == DiscrepancyKind.QUANTITY, is_any_of(_DISCREPANCIES.instrument_id, 1)))
)
# A budget also shows PnL, fees, and whether all its amounts are valued by recorded terms.
_ADD_BUDGET_CHANGES = """
INSERT INTO changes (strategy_id, entity, key)
SELECT b.strategy_id, 'budget', b.currency FROM budgets b
WHERE EXISTS (SELECT FROM orders WHERE strategy_id = b.strategy_id AND instrument_id = ANY($1)) AND NOT EXISTS (
    SELECT FROM changes WHERE xid = pg_current_xact_id()
    AND strategy_id = b.strategy_id AND entity = 'budget' AND key = b.currency
) ORDER BY 1, 3
"""
_FILLED = "SELECT id FROM unnest($1::text[]) id WHERE EXISTS (SELECT FROM fills WHERE instrument_id = id) ORDER BY 1"


class _Stored(InstrumentDefinition, frozen=True, kw_only=True):
    source: InstrumentSource

    @property
    def is_recorded(self) -> bool:
        return self.source is InstrumentSource.RECORDED


async def record_instruments(
    work: WriteConnection, principal: Principal, definitions: Sequence[InstrumentDefinition]
) -> int:
    """Record the terms of instruments, all or none of them. Returns their number. Commits nothing.

    A missing base currency or kind leaves the stored one. Fills, positions, holds and budgets of an instrument that
    was assumed are revalued. New terms need a key for all strategies. An admin may correct recorded terms until they
    value a fill. Raises InputInvalid, InstrumentInUse, Forbidden.
    """
    given = _checked(definitions)
    if await _news(work, given):
        # These terms value the orders and fills of every strategy, including future ones.
        principal.require_all_strategies()
        # From here on no other writer values a fill or an order in these instruments.
        strategies = await lock_all_strategies(work)
        await _write(work, principal, strategies, await _news(work, given))
    return len(given)


async def record_each(
    database: Database, principal: Principal, numbered: Iterable[tuple[int, InstrumentDefinition]]
) -> tuple[int, list[Rejected]]:
    """Record instruments that arrived among events, each in its own transaction.

    Returns the number of recorded ones, and the refused ones with their places. Raises DatabaseUnavailable.
    """
    recorded = 0
    rejected: list[Rejected] = []
    for place, definition in numbered:
        try:
            async with database.unit_of_work() as work:
                recorded += await record_instruments(work, principal, [definition])
                await work.commit()
        except (Forbidden, InputInvalid, InstrumentInUse) as error:
            rejected.append(Rejected(place, None, error.code.value, str(error)))
    return recorded, rejected


async def _news(
    work: WriteConnection, given: Mapping[str, InstrumentDefinition]
) -> list[tuple[_Stored | None, InstrumentDefinition]]:
    """(stored, to be stored) for each instrument that differs, sorted by id."""
    stored = {row["instrument_id"]: convert(dict(row), _Stored) for row in await work.fetch(_KNOWN, list(given))}
    news: list[tuple[_Stored | None, InstrumentDefinition]] = []
    for instrument_id, definition in sorted(given.items()):
        before = stored.get(instrument_id)
        if before is not None:
            base, kind = definition.base_currency or before.base_currency, definition.kind or before.kind
            definition = replace(definition, base_currency=base, kind=kind)
        if before is None or not before.is_recorded or _values(definition) != _values(before):
            news.append((before, definition))
    return news


async def _write(
    work: WriteConnection,
    principal: Principal,
    strategies: Mapping[str, LockedStrategy],
    news: Sequence[tuple[_Stored | None, InstrumentDefinition]],
) -> None:
    await _refuse_contradictions(work, principal, news)
    rows = [(*(getattr(after, name) for name in _TERMS), InstrumentSource.RECORDED.value) for _, after in news]
    await write(work, [Merge(Instrument, _COLUMNS, rows)])
    # A base currency that becomes known may reveal that an engine deducts base fees.
    fees_matter = any(strategy.deducts_base_fees for strategy in strategies.values()) or await work.fetchval(
        _QUANTITY_DIFFERS, [after.instrument_id for _, after in news]
    )
    before = {
        after.instrument_id: stored.valuation if stored is not None else None
        for stored, after in news
        # Amounts change by the terms, or by the fees that were paid in the base currency.
        if stored is None
        or stored.valuation.terms != after.valuation.terms
        or (fees_matter and stored.base_currency != after.base_currency)
    }
    if before:
        await revalue(work, strategies, before)
    await work.execute(_ADD_BUDGET_CHANGES, [after.instrument_id for _, after in news])
    records = []
    for stored, after in news:
        known = described(stored, *_TERMS) if stored is not None and stored.is_recorded else None
        entry = (Action.INSTRUMENT_RECORD, "instrument", after.instrument_id, None, known, described(after, *_TERMS))
        records.append(AuditRecord(*entry))
    await record(work, principal, *records)


async def _refuse_contradictions(
    work: WriteConnection, principal: Principal, news: Sequence[tuple[_Stored | None, InstrumentDefinition]]
) -> None:
    """Refuse other terms for an instrument that has valued a fill; before that, an admin may correct them."""
    corrected = [
        after.instrument_id
        for stored, after in news
        if stored is not None and stored.is_recorded and stored.valuation.terms != after.valuation.terms
    ]
    if not corrected:
        return
    principal.require(Role.ADMIN)
    principal.require_all_strategies()
    if filled := [row["id"] for row in await work.fetch(_FILLED, corrected)]:
        raise InstrumentInUse(
            f"{', '.join(filled[:10])} has other recorded terms that value fills; multiplier, settlement currency and "
            "inverse cannot change any more."
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
        if definition.kind is not None:
            check_identifier(definition.kind, *path, "kind")
        check_positive(definition.multiplier, *path, "multiplier")
        settled, base = definition.settlement_currency, definition.base_currency
        if definition.is_inverse and (settled == definition.quote_currency or base not in (None, settled)):
            raise InputInvalid("An inverse instrument settles in its base currency.", *path, "settlement_currency")
        if given.setdefault(definition.instrument_id, definition) != definition:
            raise InputInvalid("The instrument is given twice with different terms.", *path, "instrument_id")
    return given


def _values(definition: InstrumentDefinition) -> tuple[object, ...]:
    return tuple(getattr(definition, name) for name in _TERMS)
