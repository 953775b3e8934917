"""How instruments are valued, read from the database."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder
from sqlalchemy import select

from app.database import ReadConnection
from app.ledger.storage.queries import BatchQuery, fetch_all_at_once, is_any_of, sql
from app.ledger.storage.row_mapping import table_of
from app.models import Instrument
from app.rules.valuation import Valuation

_INSTRUMENTS = sql(select(table_of(Instrument)).where(is_any_of(table_of(Instrument).c.instrument_id, 1)))


class _InstrumentRow(Struct):
    instrument_id: str
    base_currency: str | None
    settlement_currency: str
    multiplier: Decimal
    is_inverse: bool

    def valuation(self) -> Valuation:
        return Valuation(self.settlement_currency, self.multiplier, self.is_inverse, self.base_currency)


_ROWS = Decoder(list[_InstrumentRow])


def valuations_of(instrument_ids: Iterable[str]) -> BatchQuery[dict[str, Valuation]]:
    """The valuations of those instruments that are known: recorded, or assumed since a fill."""

    def read(rows: list[_InstrumentRow]) -> dict[str, Valuation]:
        return {row.instrument_id: row.valuation() for row in rows}

    return BatchQuery(_INSTRUMENTS, [list(instrument_ids)], _ROWS, read)


async def load_valuations(connection: ReadConnection, instrument_ids: Iterable[str]) -> dict[str, Valuation]:
    """The valuations of those instruments that are known, in a statement of its own."""
    (valuations,) = await fetch_all_at_once(connection, valuations_of(instrument_ids))
    return valuations  # type: ignore[no-any-return]
