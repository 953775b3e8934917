"""The schema, built once."""

import textwrap
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLInputObjectType
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import ExecutionContext

from graphql_schema.execution import SplicingExecutor
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
    """Strawberry's schema with a description and graphql-core's check of `@oneOf`."""

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
        """Log nothing: client mistakes need no traceback, and the service logs its own failures where they happen."""


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    execution_context_class=SplicingExecutor,
    config=StrawberryConfig(scalar_map=SCALARS),
)
