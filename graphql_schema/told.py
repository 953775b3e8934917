"""What is told of a value that is not known yet: enough to choose the statement, and part of a plan's key."""

from typing import Any

from app.reads import read_node_id
from graphql_schema.holes import Hole, NotPlannable

_DAY_NANOSECONDS = 86_400 * 10**9


def nothing(_: Any) -> None:
    """Most values never change a statement."""


def is_midnight(instant: int | Hole) -> bool:
    """Whether an instant is a midnight in UTC: then totals by day can answer."""
    if isinstance(instant, Hole):
        return bool(instant.told)
    return instant % _DAY_NANOSECONDS == 0


def is_utc(zone: str | Hole) -> bool:
    """Whether a time zone is UTC: then totals by day can answer."""
    return bool(zone.told) if isinstance(zone, Hole) else zone in ("UTC", "Etc/UTC")


def entity_of(node_id: str | Hole) -> str:
    """The entity of which an id names one. Raises NodeIdInvalid."""
    if not isinstance(node_id, Hole):
        return read_node_id(node_id).entity.name
    if node_id.told is None:
        raise NotPlannable
    return str(node_id.told)
