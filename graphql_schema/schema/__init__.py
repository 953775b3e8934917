"""The schema, built once."""

import textwrap
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

DESCRIPTION = (
    "Purser, the operations API for algorithmic trading. Engines record orders, fills, positions and signals; each "
    "order is authorized against its strategy's budget before submission; clients query and subscribe to the exact "
    "ledger. Amounts are exact decimals as strings, instants have nanoseconds, lists are Relay connections."
)


class Schema(strawberry.Schema):
    """Strawberry's schema, with a description, graphql-core's check of `@oneOf`, and a code for each error."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._schema.description = DESCRIPTION
        for type_ in self._schema.type_map.values():
            if isinstance(type_, GraphQLInputObjectType):
                # Strawberry checks by itself and says less: graphql-core's errors name the place.
                type_.is_one_of = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].is_one_of

    def as_str(self) -> str:
        """The schema in SDL. Strawberry prints everything but the schema's own description."""
        roots = "query: Query\n  mutation: Mutation\n  subscription: Subscription"
        return f'"""\n{textwrap.fill(DESCRIPTION, 80)}\n"""\nschema {{\n  {roots}\n}}\n\n{super().as_str()}'

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
