"""The context of Strawberry's own `GraphQLRouter`, for applications that mount Purser's schema themselves."""

from typing import Any

from starlette.requests import HTTPConnection
from strawberry.fastapi import BaseContext

from app.authentication.middleware import principal_of
from graphql_schema.caller import Caller


class RouterCaller(Caller, BaseContext):
    """A `Caller` that `GraphQLRouter` accepts as a context."""

    def __init__(self, *_: Any) -> None:
        BaseContext.__init__(self)


async def router_context(connection: HTTPConnection) -> RouterCaller:
    """For `GraphQLRouter(schema, context_getter=router_context)` inside `app.main.create_app()`.

    The principal is the request's, as Purser's authentication found it. Raises Unauthenticated, DatabaseUnavailable.
    """
    return RouterCaller(connection.app.state.context, principal_of(connection.scope))
