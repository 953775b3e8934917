"""Names in Python and in GraphQL: the catalogue and the ledger go by the one, clients by the other."""

from typing import Any

from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.utils.str_converters import to_camel_case

_OTHERWISE = {"order_type": "type"}


def python_name(declared: Any) -> str:
    """The name in Python of a declared field, without the underscore that keywords need (`in_`)."""
    definition = declared.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    name: str = definition.python_name
    return name.rstrip("_")


def client_name(name: str) -> str:
    """The name in GraphQL of an input's field, as a client wrote it."""
    return _OTHERWISE.get(name) or to_camel_case(name)
