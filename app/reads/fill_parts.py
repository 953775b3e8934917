"""Fills as rows to add up: from the kept totals by day, or from the fills themselves for what those cannot answer.

A commission counts under its own currency. So a fill whose commission is in another currency has two parts, as it
has two rows in `fill_totals`: the fill itself without a fee, and the fee without a fill.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, case, cast, select, union_all

from app.models import Fill, FillSum, FillTotal
from app.reads.columns import Columns
from app.reads.literals import number_literal

_ZERO = number_literal(0)
_FILLS = Columns("f", Fill)


class _Parts(Columns):
    """The columns of a fill, and those of `fill_totals` but for the day, which a fill does not have."""

    def __init__(self, occurrence: str) -> None:
        super().__init__(occurrence, FillTotal, Fill)
        del self._types["day"], self._types["settlement_currency"]


def kept_fills(occurrence: str, *, by_day: bool = True) -> tuple[FromClause, Columns]:
    """The totals under that name: by day, or of all days, which are far fewer."""
    model: Any = FillTotal if by_day else FillSum
    return model.__table__.alias(occurrence), Columns(occurrence, model)


def fill_parts(occurrence: str) -> tuple[FromClause, Columns]:
    """All parts of all fills under that name, with the columns of the totals and those that filters speak of."""
    currency = _FILLS.settlement_currency
    own_fee = case((_FILLS.commission_currency == currency, _FILLS.commission), else_=_ZERO)
    amounts = (_FILLS.last_qty, _FILLS.notional, _FILLS.realized_pnl)
    fills = _part(currency, number_literal(1), *amounts, own_fee)
    fees = _part(_FILLS.commission_currency, _ZERO, _ZERO, _ZERO, _ZERO, _FILLS.commission)
    fees = fees.where(_FILLS.commission_currency != currency)
    return union_all(fills, fees).subquery(occurrence), _Parts(occurrence)


def _part(currency: ColumnElement[Any], fills: ColumnElement[Any], *sums: ColumnElement[Any]) -> Select[Any]:
    names = (
        *("strategy_id", "client_order_id", "event_id", "instrument_id", "side", "last_qty", "ts_event"),
        *("ts_init", "trade_seq", "seq"),
    )
    quantity, notional, realized_pnl, total_fees = sums
    return select(
        *(_FILLS[name].label(name) for name in names),
        currency.label("currency"),
        cast(fills, BigInteger).label("fills"),
        quantity.label("quantity"),
        notional.label("notional"),
        realized_pnl.label("realized_pnl"),
        total_fees.label("total_fees"),
        _FILLS.ts_event.label("first_ts"),
        _FILLS.ts_event.label("last_ts"),
    ).select_from(Fill.__table__.alias("f"))  # type: ignore[attr-defined]
