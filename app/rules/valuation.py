"""The terms of instruments.

The value of a quantity follows NautilusTrader's formulas (`model/instruments/base.pyx`):

    linear, quanto    notional = quantity x multiplier x price, in the settlement currency
    inverse           notional = quantity x multiplier / price, in the base currency

Options, futures, equities and currency pairs are linear: an option's premium is its price. Pure; run under
`localcontext(EXACT)`.
"""

from decimal import Decimal

from msgspec import Struct

from app.rules.money import quotient

_ZERO = Decimal(0)
_ONE = Decimal(1)


class Valuation(Struct, frozen=True):
    """Terms that turn quantities into money, PnL and cost in `currency`. `base_currency` is None if unknown."""

    currency: str
    multiplier: Decimal = _ONE
    is_inverse: bool = False
    base_currency: str | None = None

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """The value of a quantity at a price. An inverse quantity at price 0 has the value 0, as in the engine."""
        if not self.is_inverse:
            return quantity * price * self.multiplier
        return quotient(quantity * self.multiplier, price) if price else _ZERO

    @property
    def terms(self) -> tuple[str, Decimal, bool]:
        """Two valuations with equal terms give equal amounts."""
        return self.currency, self.multiplier, self.is_inverse


def assumed(quote_currency: str) -> Valuation:
    """The valuation of an instrument that is not recorded: linear, multiplier 1, settled in its quote currency."""
    return Valuation(quote_currency)


class InstrumentDefinition(Struct, frozen=True, kw_only=True):
    """The terms of an instrument. `kind` is the engine's class of the instrument, None if unknown.

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
        """The valuation by these terms."""
        return Valuation(self.settlement_currency, self.multiplier, self.is_inverse, self.base_currency)
