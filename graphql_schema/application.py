"""`/graphql` over HTTP."""

from typing import Any

import orjson
from cross_web import HTTPException
from fastapi import FastAPI
from graphql import GraphQLError, GraphQLSyntaxError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.types import ExecutionResult

from app.resolvers import Context
from graphql_schema import graphiql
from graphql_schema.execution import coded
from graphql_schema.schema import schema

PATH = "/graphql"


class GraphQLEndpoint(GraphQL[Context, None]):
    """Strawberry's ASGI application: answers are spliced, errors have codes."""

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """The process's means."""
        context: Context = request.app.state.context
        return context

    def parse_json(self, data: str | bytes) -> dict[str, Any]:
        """An object; null is an empty one. orjson refuses what is no UTF-8, half surrogate pairs and NaN."""
        try:
            parsed = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise HTTPException(400, f"The request is not JSON: {error}") from error
        if not isinstance(parsed, dict | None):
            raise HTTPException(400, "The request is a JSON object with a query.")
        return parsed or {}

    def encode_json(self, data: object) -> bytes:
        """orjson, which splices finished JSON in."""
        return orjson.dumps(data)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """The response's body."""
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [_formatted(error) for error in result.errors]
        return body  # type: ignore[return-value]


def add_graphql(app: FastAPI) -> None:
    """Add `/graphql`. The application's `state.context` must hold the resolvers' context by the first request."""
    app.router.routes.extend(graphiql.routes(PATH))
    app.router.routes.append(Route(PATH, GraphQLEndpoint(schema, graphql_ide=None)))


def _formatted(error: GraphQLError) -> dict[str, Any]:
    """An error as the client sees it, always with a code."""
    if "code" not in (error.extensions or {}):
        if error.nodes or isinstance(error, GraphQLSyntaxError):
            # About the document or its variables; a scalar's refusal of a value is its `original_error`.
            code = "BAD_REQUEST" if isinstance(error, GraphQLSyntaxError) else "VALIDATION_FAILED"
            return {**error.formatted, "extensions": {"code": code}}
        error = coded(error)
    formatted: dict[str, Any] = dict(error.formatted)
    formatted.setdefault("extensions", {"code": "BAD_REQUEST"})
    return formatted
