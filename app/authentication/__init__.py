"""From a request to the principal it comes from; used by both faces."""

from collections.abc import Mapping
from typing import Any

from app.principal import LOCAL, Principal


def principal_of(scope: Mapping[str, Any]) -> Principal:
    """Who a request, as ASGI describes it, comes from."""
    return LOCAL
