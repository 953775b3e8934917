"""The schema, built once."""

from collections.abc import Callable, Sequence
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLInputObjectType
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import ExecutionContext

from graphql_schema.errors import add_code
from graphql_schema.execution.executor import PurserExecutor
from graphql_schema.schema.mutations import Mutation
from graphql_schema.schema.queries import Query
from graphql_schema.schema.subscriptions import Subscription
from graphql_schema.types.scalars import SCALARS


class Schema(strawberry.Schema):
    """Strawberry's schema. Each error has a code, and unexpected errors are logged where they happen."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for type_ in self._schema.type_map.values():
            if isinstance(type_, GraphQLInputObjectType):
                # Strawberry checks by itself and says less: graphql-core's errors name the place.
                type_.is_one_of = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].is_one_of

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Add the codes. Strawberry would log each mistake of a client with a traceback."""
        for error in errors:
            add_code(error)


def build_schema(extensions: Sequence[type[SchemaExtension] | Callable[[], SchemaExtension]] = ()) -> Schema:
    """The schema with these Strawberry extensions. Purser's own endpoint runs none: it serves `schema`."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=extensions,
        execution_context_class=PurserExecutor,
        config=StrawberryConfig(scalar_map=SCALARS),
    )


schema = build_schema()
