"""Scalar types of the schemas, and values for their examples."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, WithJsonSchema

Amount = Annotated[
    Decimal, WithJsonSchema({"type": "number", "description": "Exact: the decimal digits of the ledger."})
]
Instant = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, UTC, with nanoseconds."}),
]
Document = Annotated[Any, WithJsonSchema({"description": "Any JSON value, or null."})]

ORDER_ID = "O-20220101-001400-001-000-1"
STRATEGY_ID = "5f17147f-2bbd-5c76-af87-1f010d829329"
INSTANT = "2022-01-01T00:14:00.000000000Z"
LATER = "2022-01-01T00:14:01.500000007Z"


def example(**values: Any) -> ConfigDict:
    """Configuration with an example for the documentation."""
    return ConfigDict(json_schema_extra={"examples": [values]})
