"""How instruments are valued, read from the database."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from app.database import ReadConnection
from app.ledger.storage.query_batch import BatchQuery, fetch_all_at_once
from app.rules.valuation import Valuation

_INSTRUMENTS = """
SELECT instrument_id, base_currency, settlement_currency, multiplier, is_inverse FROM instruments
WHERE instrument_id = ANY($1)
"""


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
    """The same, in a statement of its own."""
    (valuations,) = await fetch_all_at_once(connection, valuations_of(instrument_ids))
    return valuations  # type: ignore[no-any-return]
