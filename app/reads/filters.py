"""Filters: from a `Compare` to a condition in SQL."""

from functools import partial
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.types import TypeEngine

from app.models.administration import Strategy
from app.reads.columns import Columns, number_literal, text_literal
from app.reads.entity import Entity, FilterSql
from app.reads.query import SCOPE, And, Compare, Condition, Not, Op, Slot


def by_columns(*names: str) -> dict[str, FilterSql]:
    """Filters that compare the column of their name."""
    return {name: partial(_column, name) for name in names}


def _column(name: str, columns: Columns, comparison: Compare) -> ColumnElement[bool]:
    return compare(columns[name], comparison)


def midnight(name: str) -> FilterSql:
    """Compare an instant with a midnight in UTC, by >= or <: totals by day can answer that too."""

    def sql(columns: Columns, comparison: Compare) -> ColumnElement[bool]:
        if "day" not in columns:
            return compare(columns[name], comparison)
        assert comparison.slot is not None
        instant = parameter(comparison.slot, BigInteger())
        return columns.day.bool_op(comparison.op.value)(day_of(instant))

    return sql


def day_of(nanoseconds: ColumnElement[Any]) -> ColumnElement[Any]:
    """The UTC day of an instant."""
    seconds = nanoseconds.op("/")(literal_column("1000000000"))
    moment: Any = literal_column("timestamp 'epoch'") + seconds.op("*")(literal_column("interval '1 second'"))
    return cast(moment, Date())


def is_in_scope(columns: Columns) -> ColumnElement[bool]:
    """Whether a row belongs to a strategy that the principal may see; rows of no strategy do not."""
    return columns.strategy_id == any_(scope_of())


def scope_of() -> ColumnElement[Any]:
    """The strategies that the principal may see."""
    return parameter(SCOPE, ARRAY(Uuid()))


def strategy_name(columns: Columns, comparison: Compare) -> ColumnElement[bool]:
    """Compare the strategy's name. Strategies are few: their ids are found first, once for the statement."""
    named = select(Strategy.__table__.c.strategy_id).where(compare(Strategy.__table__.c.name, comparison))  # type: ignore[attr-defined]
    return columns.strategy_id == any_(func.array(named.scalar_subquery()))


def compare(value: ColumnElement[Any], comparison: Compare) -> ColumnElement[bool]:
    """A comparison with a parameter of the value's type. CONTAINS ignores case and knows no wildcards."""
    if comparison.slot is None:
        return value.in_([text_literal(name) for name in comparison.names]) if comparison.names else false()
    slot = comparison.slot
    match comparison.op:
        case Op.EQ:
            return value == parameter(slot, value.type)
        case Op.IN:
            return value == any_(parameter(slot, ARRAY(value.type)))
        case Op.CONTAINS:
            found = func.strpos(func.lower(value), func.lower(parameter(slot, value.type)))
            return found > number_literal(0)
        case Op.STARTS_WITH:
            return func.starts_with(value, parameter(slot, value.type))
        case order:
            return value.bool_op(order.value)(parameter(slot, value.type))


def parameter(slot: Slot, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """The parameter of a slot (`v0`, `v1`, ...), with its type, so that PostgreSQL never has to guess."""
    return bindparam(f"v{slot}", type_=type_)


def condition_sql(entity: Entity, columns: Columns, condition: Condition) -> ColumnElement[bool]:
    """A condition over these columns; the entity's own table or its totals."""
    if isinstance(condition, Compare):
        return entity.filters[condition.field](columns, condition)
    if isinstance(condition, Not):
        # A comparison with null is null, and so would be its contrary: "not" means "is not so".
        return condition_sql(entity, columns, condition.condition).is_not(true())
    parts = [condition_sql(entity, columns, part) for part in condition.conditions]
    return and_(true(), *parts) if isinstance(condition, And) else or_(false(), *parts)


def fields_of(condition: Condition | None) -> frozenset[str]:
    """The fields that a condition names."""
    if condition is None:
        return frozenset()
    if isinstance(condition, Compare):
        return frozenset([condition.field])
    if isinstance(condition, Not):
        return fields_of(condition.condition)
    return frozenset().union(*(fields_of(part) for part in condition.conditions))
