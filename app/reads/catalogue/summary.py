"""How much of everything there is, from the kept totals."""

from app.reads.catalogue.registry import register
from app.reads.shape import Count, Shape

SUMMARY = register(
    Shape(
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
