"""How much structure the variables of a query have. What is made of each object costs far more than its two bytes."""

from collections.abc import Mapping
from typing import Any

from graphql_schema.errors import RequestCode, refusal

PARTS_MAX = 2000
"""Most objects and lists inside the variables of a query: more than any filters that are answered have together."""


def check_variables(variables: Mapping[str, Any]) -> None:
    """Raises RequestRefused for more than PARTS_MAX objects and lists, at any depth."""
    parts: list[Any] = [variables]
    # The list grows while it is gone through.
    for part in parts:
        inside = part.values() if isinstance(part, Mapping) else part
        parts += [value for value in inside if isinstance(value, (dict, list))]
        if len(parts) > PARTS_MAX:
            message = f"The variables of a query have at most {PARTS_MAX} objects and lists."
            raise refusal(RequestCode.BAD_REQUEST, message)
