"""The Python name of a GraphQL field or argument: by that name the catalogue knows it."""

from typing import Any

from strawberry.schema.schema_converter import GraphQLCoreConverter


def python_name(declared: Any) -> str:
    """The name in Python of what Strawberry declared, without the underscore that keywords need (`in_`)."""
    definition = declared.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    name: str = definition.python_name
    return name.rstrip("_")
