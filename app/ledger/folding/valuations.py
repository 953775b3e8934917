"""Reads how instruments are valued."""

from collections.abc import Iterable

from msgspec.json import Decoder
from sqlalchemy import select

from app.ledger.storage.queries import BatchQuery, is_any_of, sql
from app.ledger.storage.row_mapping import table_of
from app.models import Instrument
from app.rules.valuation import InstrumentDefinition, Valuation

_INSTRUMENTS = sql(select(table_of(Instrument)).where(is_any_of(table_of(Instrument).c.instrument_id, 1)))
_ROWS = Decoder(list[InstrumentDefinition])


def valuations_of(instrument_ids: Iterable[str]) -> BatchQuery[dict[str, Valuation]]:
    """The valuations of the known instruments among these: recorded ones, and those assumed since a fill."""

    def read(rows: list[InstrumentDefinition]) -> dict[str, Valuation]:
        return {row.instrument_id: row.valuation for row in rows}

    return BatchQuery(_INSTRUMENTS, [list(instrument_ids)], _ROWS, read)
