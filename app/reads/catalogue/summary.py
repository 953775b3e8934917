"""How much of everything there is, from the kept totals."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, select

from app.models import FillSum, OrderTotal, SignalTotal
from app.reads.catalogue.registry import register
from app.reads.fields import Source, plain
from app.reads.literals import number_literal
from app.reads.shape import Shape


def _sum_of(model: Any, count: str) -> Source:
    def source(_: object) -> ColumnElement[Any]:
        total = func.coalesce(func.sum(model.__table__.c[count]), number_literal(0))
        return select(cast(total, BigInteger)).scalar_subquery()

    return source


SUMMARY = register(
    Shape(
        name="Summary",
        model=None,
        fields={
            "signals": plain(_sum_of(SignalTotal, "signals")),
            "orders": plain(_sum_of(OrderTotal, "orders")),
            "fills": plain(_sum_of(FillSum, "fills")),
        },
    )
)
