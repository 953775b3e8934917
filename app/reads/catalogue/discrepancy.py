"""Discrepancies between the ledger and the engine's reports."""

from app.models import Discrepancy
from app.reads.catalogue.registry import register
from app.reads.entity import Entity, One
from app.reads.fields import instant, plain
from app.reads.filters import column

DISCREPANCY = register(
    Entity(
        name="Discrepancy",
        model=Discrepancy,
        fields={
            "event_id": plain("event_id"),
            "kind": plain("kind"),
            "strategy_id": plain("strategy_id"),
            "position_id": plain("position_id"),
            "instrument_id": plain("instrument_id"),
            "ts_event": instant("ts_event"),
            "ledger_value": plain("ledger_value"),
            "engine_value": plain("engine_value"),
        },
        links={
            "strategy": One("Strategy", on={"strategy_id": "strategy_id"}),
            # Without a fill that explains the report, it is of no life of the position.
            "position": One(
                "Position", on={"strategy_id": "strategy_id", "position_id": "position_id", "n": "position_n"}
            ),
        },
        filters={
            "strategy_id": column("strategy_id"),
            "instrument_id": column("instrument_id"),
            "position_id": column("position_id"),
            "kind": column("kind"),
            "ts_event": column("ts_event"),
        },
        sorts={"ts_event": "ts_event"},
        ties=("event_id", "kind", "strategy_id"),
    )
)
