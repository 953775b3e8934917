"""What is recorded of an instrument."""

from decimal import Decimal

from msgspec import Struct

from app.rules.valuation import Valuation


class InstrumentDefinition(Struct, frozen=True, kw_only=True):
    """What an instrument is valued by. `kind` is the engine's class of instrument, where it is known.

    `settlement_currency` is the currency of PnL: the base currency of an inverse instrument.
    """

    instrument_id: str
    quote_currency: str
    settlement_currency: str
    base_currency: str | None = None
    multiplier: Decimal = Decimal(1)
    is_inverse: bool = False
    kind: str | None = None

    @property
    def valuation(self) -> Valuation:
        """How its quantities become money by these terms."""
        return Valuation(self.settlement_currency, self.multiplier, self.is_inverse, self.base_currency)
