"""Plan constraints: what a plan's key holds of a value that is a parameter, because it chooses the statement."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from app.reads.node_ids import read_node_id
from graphql_schema.execution.placeholders import NotPlannable, Placeholder

_DAY_NANOSECONDS = 86_400 * 10**9


def unconstrained(_: Any) -> None:
    """Most values never change a statement."""


def is_midnight(instant: int | Placeholder) -> bool:
    """Whether an instant is a midnight in UTC: then totals by day can answer."""
    if isinstance(instant, Placeholder):
        return bool(instant.constraint)
    return instant % _DAY_NANOSECONDS == 0


def is_utc(zone: str | Placeholder) -> bool:
    """Whether a time zone is UTC: then totals by day can answer."""
    return bool(zone.constraint) if isinstance(zone, Placeholder) else zone in ("UTC", "Etc/UTC")


def entity_of(node_id: str | Placeholder) -> str:
    """The name of the entity that a node id belongs to. Raises NodeIdInvalid."""
    if not isinstance(node_id, Placeholder):
        return read_node_id(node_id).entity.name
    if node_id.constraint is None:
        raise NotPlannable
    return str(node_id.constraint)


PARAMETER_SCALARS: Mapping[str, Callable[[Any], Hashable]] = {
    "String": unconstrained,
    "ID": entity_of,
    "Decimal": unconstrained,
    "DateTime": is_midnight,
    "UUID": unconstrained,
    "TimeZone": is_utc,
}
"""Scalars whose values become parameters, and the constraint of a value. Values of all other scalars and of
enumerations are constraints themselves."""
