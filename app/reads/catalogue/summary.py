"""How much of everything there is, from the kept totals."""

from app.reads.catalogue.registry import register
from app.reads.entity import Count, Entity

SUMMARY = register(
    Entity(
        name="Summary",
        model=None,
        fields={},
        links={
            "signals": Count("Signal"),
            "orders": Count("Order"),
            "fills": Count("Fill"),
            "instruments": Count("Instrument"),
            "discrepancies": Count("Discrepancy"),
        },
    )
)
