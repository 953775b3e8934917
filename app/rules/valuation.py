"""What quantities of an instrument are worth, by NautilusTrader's formulas (`model/instruments/base.pyx`).

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
    """The terms by which an instrument's quantities become money.

    `currency` is what PnL and cost are in. `base_currency` is None where it is not known.
    """

    currency: str
    multiplier: Decimal = _ONE
    is_inverse: bool = False
    base_currency: str | None = None

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """The value of a quantity at a price. An inverse quantity at price 0 has none, as in the engine."""
        if not self.is_inverse:
            return quantity * price * self.multiplier
        return quotient(quantity * self.multiplier, price) if price else _ZERO

    @property
    def terms(self) -> tuple[str, Decimal, bool]:
        """What makes two valuations give the same amounts."""
        return self.currency, self.multiplier, self.is_inverse


def assumed(quote_currency: str) -> Valuation:
    """The valuation of an instrument that is not recorded: linear, multiplier 1, settled in its quote currency."""
    return Valuation(quote_currency)
