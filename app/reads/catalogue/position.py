"""Positions."""

from sqlalchemy import and_, func, or_

from app.models.orders import Position
from app.models.totals import PositionTotal
from app.reads.catalogue.administration import ITS_STRATEGY
from app.reads.catalogue.instrument import position_valuation
from app.reads.catalogue.registry import register
from app.reads.columns import number_literal
from app.reads.entity import Entity, Many, One, Totals
from app.reads.fields import amount, amounts, instant, node_id, plain, plains
from app.reads.filters import by_columns, strategy_name

_KEY = ("strategy_id", "n", "position_id")

POSITION = register(
    Entity(
        name="Position",
        model=Position,
        fields={
            "id": node_id("Position", _KEY),
            **plains("position_id", "strategy_id", "account_id", "instrument_id", "status", "entry", "side"),
            **plains("currency", "reconciliation"),
            **amounts("signed_qty", "peak_qty", "avg_px_open", "avg_px_close", "realized_pnl", "total_fees"),
            "ts_opened": instant("ts_opened"),
            "ts_closed": instant("ts_closed"),
            "strategy_name": plain("name", ITS_STRATEGY),
            "quantity": amount(lambda p: func.abs(p.signed_qty)),
            "valuation": plain(position_valuation),
            "duration_ns": plain(lambda p: p.ts_closed - p.ts_opened),
        },
        links={
            "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
            "instrument": One("Instrument", on={"instrument_id": "instrument_id"}),
            # The fill that flips a position closes one life and opens the next: both have it.
            "fills": Many(
                "Fill",
                on={"strategy_id": "strategy_id", "position_id": "position_id"},
                also=lambda fill, position: and_(
                    # One position_id may have thousands of lives: the instants are what an index finds.
                    fill.ts_event >= position.ts_opened,
                    fill.ts_event <= position.last_ts_event,
                    or_(
                        fill.position_n == position.n,
                        and_(fill.flip_qty > number_literal(0), fill.position_n == position.n - number_literal(1)),
                    ),
                ),
            ),
        },
        filters={
            **by_columns("strategy_id", "instrument_id", "status", "position_id", "reconciliation", "n", "ts_opened"),
            "strategy_name": strategy_name,
        },
        sorts=("ts_opened",),
        ties=("position_id", "n", "strategy_id"),
        key=_KEY,
        totals=Totals(
            PositionTotal, "positions", frozenset({"strategy_id", "strategy_name", "instrument_id", "status"})
        ),
    )
)
