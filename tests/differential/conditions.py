"""The conditions of a filter, in plain Python."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.models.administration import Strategy
from app.models.orders import Fill
from tests.differential.rows import GLOBAL_STATE

COLUMNS = {"type": "order_type"}
NANOSECONDS = 1_000_000_000


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def parse_instant(text: str) -> int:
    whole, rest = text.removesuffix("Z").split(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * NANOSECONDS + int(rest)


def satisfies(row: Any, filter: Mapping[str, Any] | None, names: Mapping[UUID, str]) -> bool:
    """Whether a row satisfies the filter."""
    for name, operands in (filter or {}).items():
        if operands is None:
            continue
        if name in ("and", "or"):
            parts = (satisfies(row, part, names) for part in operands)
            if not (all(parts) if name == "and" else any(parts)):
                return False
        elif name == "not":
            if satisfies(row, operands, names):
                return False
        elif not _compares(_column(row, name, names), operands):
            return False
    return True


def effective_state(row: Strategy) -> str:
    """The stricter of the strategy's own state and the global one."""
    return next(state for state in ("HALTED", "REDUCING", "ACTIVE") if state in (row.state, GLOBAL_STATE["state"]))


def _column(row: Any, name: str, names: Mapping[UUID, str]) -> Any:
    if isinstance(row, Strategy) and name in ("state", "ownState"):
        return effective_state(row) if name == "state" else row.state
    if isinstance(row, Fill) and name == "currency":
        return row.settlement_currency
    if name == "strategyName":
        return names[row.strategy_id]
    return getattr(row, COLUMNS.get(name, snake(name)))


def _compares(value: Any, operands: Any) -> bool:
    if not isinstance(operands, Mapping):
        return bool(value == operands)
    if value is None and any(operand is not None for operand in operands.values()):
        return False
    return all(
        _OPERATORS[name](value, _operand(value, name, operand))
        for name, operand in operands.items()
        if operand is not None
    )


def _operand(value: Any, name: str, operand: Any) -> Any:
    if name == "in":
        return [_operand(value, "", item) for item in operand]
    read: Callable[[Any], Any] = {int: parse_instant, Decimal: Decimal, UUID: UUID}.get(type(value), lambda text: text)
    return read(operand)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: value == operand,
    "in": lambda value, operand: value in operand,
    "contains": lambda value, operand: operand.lower() in value.lower(),
    "startsWith": lambda value, operand: value.startswith(operand),
    "gt": lambda value, operand: value > operand,
    "gte": lambda value, operand: value >= operand,
    "lt": lambda value, operand: value < operand,
    "lte": lambda value, operand: value <= operand,
}
