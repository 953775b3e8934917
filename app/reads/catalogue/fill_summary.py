"""What fills add up to. The rows behind it are those of `app.reads.fill_groups`."""

from typing import Any

from sqlalchemy import BigInteger, Text, cast, func, literal_column

from app.reads.catalogue.instrument import sum_valuation
from app.reads.catalogue.registry import register
from app.reads.columns import Columns
from app.reads.entity import Entity
from app.reads.fields import amount, instant, plain
from app.reads.fill_groups import fill_summary
from app.reads.literals import number_literal, text_literal

_NONE = number_literal(0)


def _fills(rows: Columns, side: str | None = None) -> Any:
    fills = func.sum(rows.fills)
    counted = fills if side is None else fills.filter(rows.side == text_literal(side))
    return cast(func.coalesce(counted, _NONE), BigInteger)


FILL_SUMMARY = register(
    Entity(
        name="FillSummary",
        model=None,
        fields={
            "total_fills": plain(_fills),
            "buy_fills": plain(lambda rows: _fills(rows, "BUY")),
            "sell_fills": plain(lambda rows: _fills(rows, "SELL")),
            # A row without fills holds a commission in another currency.
            "first_ts": instant(lambda rows: func.min(rows.first_ts).filter(rows.fills > _NONE)),
            "last_ts": instant(lambda rows: func.max(rows.last_ts).filter(rows.fills > _NONE)),
            "valuation": plain(lambda rows: sum_valuation(rows.instrument_id)),
        },
        computed=fill_summary,
    )
)

FILL_SUMMARY_GROUP = register(
    Entity(
        name="FillSummaryGroup",
        model=None,
        fields={
            "strategy_id": plain("strategy_id"),
            "instrument_id": plain("instrument_id"),
            "side": plain("side"),
            "currency": plain("currency"),
            "day": plain(lambda g: cast(g.day, Text).op("||")(literal_column("'T00:00:00.000000000Z'"))),
            "fills": plain(lambda g: cast(g.fills, BigInteger)),
            "quantity": amount("quantity"),
            "notional": amount("notional"),
            "realized_pnl": amount(lambda g: func.trim_scale(g.realized_pnl)),
            "total_fees": amount("total_fees"),
            "valuation": plain("valuation"),
        },
    )
)
