"""The schema, built once."""

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from graphql_schema.execution import SplicingExecutor
from graphql_schema.queries import Query
from graphql_schema.scalars import SCALARS
from graphql_schema.subscriptions import Subscription


class Schema(strawberry.Schema):
    """Strawberry's schema; what is worth logging was logged where it happened."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: Strawberry would log each mistake of a client with a traceback."""


schema = Schema(
    query=Query,
    subscription=Subscription,
    execution_context_class=SplicingExecutor,
    config=StrawberryConfig(scalar_map=SCALARS),
)
