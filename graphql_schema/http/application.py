"""`/graphql` over HTTP: the draft "GraphQL over HTTP", and limits.

A plain ASGI application: per request it does what the request needs and nothing more. `live` is the same over a
WebSocket on the same path or as server-sent events, with subscriptions.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from fastapi import FastAPI
from graphql import ExecutionResult, GraphQLSchema, OperationType
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.authentication.middleware import principal_of, status_of
from app.errors import Busy, PurserError, QueryTimeout
from app.settings import FixedLimits, Settings
from graphql_schema.caller import Caller
from graphql_schema.errors import BUSY, RequestCode, RequestRefused, coded, refusal
from graphql_schema.execution.executor import build_executor, run
from graphql_schema.http import graphiql, requests, responses
from graphql_schema.http.documents import Document, Documents, Operation
from graphql_schema.http.media_types import MediaType, is_json, names_event_stream, negotiate
from graphql_schema.http.persisted import AllowList, PersistedQueries
from graphql_schema.http.requests import ClientGone, GraphQLRequest, read_body, too_large
from graphql_schema.http.responses import Reply
from graphql_schema.limits.document_limits import check_variables
from graphql_schema.live.batches import Batch
from graphql_schema.live.broadcast import Broadcasts
from graphql_schema.live.event_stream import MEDIA_TYPE as EVENT_STREAM
from graphql_schema.live.event_stream import EventStreams
from graphql_schema.live.socket import Sockets
from graphql_schema.live.subscription_writer import read_subscription
from graphql_schema.schema import schema
from graphql_schema.schema.subscriptions import SOURCES

PATH = "/graphql"
ALLOWED = "GET, HEAD, POST"


class GraphQLEndpoint:
    """Answers GraphQL over HTTP. The application's `state.context` must hold the resolvers' context by then."""

    def __init__(self, schema: GraphQLSchema, settings: Settings, limits: FixedLimits) -> None:
        self._schema = schema
        self._body_bytes_max = limits.graphql_query_bytes_max
        self._request_bytes_max = _request_bytes_max(settings, limits)
        self._cost_max = settings.graphql_cost_max
        self._query_seconds_max = settings.graphql_timeout_seconds
        self._suggestions = settings.graphql_suggestions
        self.documents = Documents(schema, settings, limits)
        self.queries: PersistedQueries | AllowList = (
            PersistedQueries(limits.graphql_persisted_queries_max)
            if settings.graphql_allow_list is None
            else AllowList.read(settings.graphql_allow_list)
        )
        self._mutations: set[asyncio.Future[Any]] = set()
        self._broadcasts = Broadcasts()
        self.streams = EventStreams(settings, limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        headers = _headers(scope)
        accepted = negotiate(headers.get("accept"))
        takes_events = names_event_stream(headers.get("accept"))
        # A refusal is no event: it has a status.
        media_type = accepted or (MediaType.GRAPHQL if takes_events else MediaType.JSON)
        try:
            caller = Caller(scope["app"].state.context, principal_of(scope))
            if scope["method"] not in ("GET", "HEAD", "POST"):
                raise _not_allowed("Ask by GET or POST.", ALLOWED)
            if accepted is None and not takes_events:
                raise refusal(RequestCode.NOT_ACCEPTABLE, f"Answers are {', '.join(MediaType)}.", 406)
            request = await self._request(scope, receive, headers)
            document, operation = self._prepared(request)
            is_subscription = operation.type is OperationType.SUBSCRIPTION
            is_stream = takes_events and (is_subscription or accepted is None) and scope["method"] != "HEAD"
            _refuse_wrong_type(operation, is_read=scope["method"] != "POST", is_stream=is_stream)
            if is_stream:
                self.streams.require_room()
                results = await self._results(document, operation, request, caller)
            else:
                reply = await self._reply(scope, headers, media_type, (document, operation, request, caller))
        except ClientGone:
            return
        except Exception as error:
            is_stream, reply = False, responses.refused(_refusal_of(error), media_type)
        if is_stream:
            await self.streams.send_all(scope, receive, send, results, caller)
        else:
            await _send(reply, send, is_head=scope["method"] == "HEAD")

    async def _reply(
        self,
        scope: Scope,
        headers: dict[str, str],
        media_type: MediaType,
        prepared: tuple[Document, Operation, GraphQLRequest, Caller],
    ) -> Reply:
        result, extensions = await self._answered(*prepared)
        reply = responses.answered(result, extensions, media_type)
        if scope["method"] == "POST":
            return reply
        if not reply.is_whole:
            reply.headers["cache-control"] = "no-store"
            return reply
        return responses.validated(reply, media_type, headers.get("if-none-match"))

    async def results(self, request: bytes, caller: Caller) -> AsyncGenerator[Batch, None]:
        """What a WebSocket sends: the results of a request. Raises RequestRefused, domain errors."""
        received = requests.from_body(request)
        document, operation = self._prepared(received)
        async with aclosing(await self._results(document, operation, received, caller)) as batches:
            async for batch in batches:
                yield batch

    async def _results(
        self, document: Document, operation: Operation, request: GraphQLRequest, caller: Caller
    ) -> AsyncGenerator[Batch, None]:
        """The result of a query or mutation, executed when this returns; or the results of a subscription.

        Raises RequestRefused, domain errors.
        """
        if operation.type is OperationType.SUBSCRIPTION:
            check_variables(request.variables)
            self._cost(operation, request.variables)  # of one event
            subscription = read_subscription(
                self._schema,
                document.node,
                operation.name,
                request.variables,
                caller,
                SOURCES,
                hide_suggestions=not self._suggestions,
            )
            return self._broadcasts.follow(caller, subscription)
        answering = asyncio.create_task(self._answered(document, operation, request, caller))
        if operation.type is OperationType.MUTATION:
            # Runs to its end if the client disconnects: as over HTTP.
            self._mutations.add(answering)
            answering.add_done_callback(self._mutations.discard)
            result, extensions = await asyncio.shield(answering)
        else:
            result, extensions = await answering
        return _only(Batch([responses.answered(result, extensions, MediaType.GRAPHQL).body]))

    def _prepared(self, request: GraphQLRequest) -> tuple[Document, Operation]:
        """The document and the operation of a request. Raises RequestRefused."""
        text = self.queries.text_of(request)
        if len(text) > self._body_bytes_max:
            raise too_large(self._body_bytes_max)
        document = self.documents.find(text)
        self.queries.remember(request)
        operation = document.operation(request.operation_name)
        if request.bytes_sent > self._body_bytes_max and operation.type is not OperationType.MUTATION:
            raise too_large(self._body_bytes_max)
        return document, operation

    async def _answered(
        self, document: Document, operation: Operation, request: GraphQLRequest, caller: Caller
    ) -> tuple[ExecutionResult | bytes, dict[str, Any]]:
        """The result of a query or a mutation, and the answer's `extensions`. Raises RequestRefused."""
        seconds_max = None  # a mutation runs to its end: the client must know whether it happened
        if operation.type is OperationType.QUERY:
            check_variables(request.variables)
            seconds_max = self._query_seconds_max
        fast = None if operation.fast_mutation is None else operation.fast_mutation.read(request.given)
        extensions = {"cost": self._cost(operation, request.variables if fast is None else fast.variables)}
        try:
            async with asyncio.timeout(seconds_max):
                result = None if fast is None else await fast.answer(caller)
                if result is None:
                    result = await self._executed(document, operation, request, caller)
        except TimeoutError:
            raise RequestRefused([coded(QueryTimeout())], extensions=extensions) from None
        except RequestRefused as why:
            why.extensions = extensions
            raise
        if operation.is_single_mutation and isinstance(result, ExecutionResult):
            _refuse_what_was_not_done(result, extensions)
        return result, extensions

    async def _executed(
        self, document: Document, operation: Operation, request: GraphQLRequest, caller: Caller
    ) -> ExecutionResult | bytes:
        """By an operation plan if there is one, else by graphql-core. Raises RequestRefused."""
        planned = None if operation.plans is None else await operation.plans.answer(request.variables, caller)
        if planned is not None:
            return planned
        executor = build_executor(
            self._schema,
            document.node,
            operation.name,
            request.variables,
            caller,
            hide_suggestions=not self._suggestions,
        )
        return await run(executor)

    async def _request(self, scope: Scope, receive: Receive, headers: dict[str, str]) -> GraphQLRequest:
        if scope["method"] != "POST":
            if len(scope["query_string"]) > self._body_bytes_max:
                raise too_large(self._body_bytes_max, 414)
            return requests.from_url(scope["query_string"])
        # Not a courtesy: a browser sends what a form can (urlencoded, multipart, plain text) without asking
        # whether it may, so only what a form cannot is taken.
        if not is_json(headers.get("content-type")):
            raise _unsupported("A POST has the Content-Type application/json, in UTF-8.")
        if headers.get("content-encoding", "identity") != "identity":
            raise _unsupported("A POST has no Content-Encoding.")
        # What it is for is known once it is read: only a mutation has long lists of its own to send.
        return requests.from_body(await read_body(receive, headers.get("content-length"), self._request_bytes_max))

    def _cost(self, operation: Operation, variables: Mapping[str, Any]) -> dict[str, int]:
        """What the operation may cost, as it is reported. Raises RequestRefused, PageTooLarge."""
        requested = operation.cost.rows(variables)
        cost = {"requested": requested, "max": self._cost_max}
        if requested > self._cost_max:
            message = f"The query may ask for {requested} rows; at most {self._cost_max} are allowed. Ask for fewer."
            raise refusal(RequestCode.COST_EXCEEDED, message, extensions={"cost": cost})
        return cost


def add_graphql(app: FastAPI, settings: Settings, limits: FixedLimits) -> None:
    """Add `/graphql`. The application's `state.context` must hold the resolvers' context by the first request.

    Raises SettingsInvalid where the allow-list cannot be used.
    """
    endpoint = GraphQLEndpoint(schema._schema, settings, limits)
    sockets = WebSocketRoute(PATH, Sockets(endpoint.results, settings, limits, _request_bytes_max(settings, limits)))
    # Before the REST paths: each that is looked at first costs some microseconds.
    app.router.routes[:0] = [*graphiql.routes(PATH), Route(PATH, endpoint), sockets]


def graphql_refusal(error: PurserError) -> ASGIApp:
    """Answers a request that is not authenticated."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        media_type = negotiate(_headers(scope).get("accept")) or MediaType.JSON
        reply = responses.refused(_refusal_of(error), media_type)
        await _send(reply, send, is_head=scope["method"] == "HEAD")

    return answer


def _request_bytes_max(settings: Settings, limits: FixedLimits) -> int:
    """Of any request, before it is known whether it is a mutation."""
    return max(settings.graphql_mutation_bytes_max, limits.graphql_query_bytes_max)


def _refusal_of(error: Exception) -> RequestRefused:
    if isinstance(error, RequestRefused):
        return error
    shown = coded(error)
    known = status_of(error) if isinstance(error, PurserError) else None
    if known is not None:
        status, headers = known
        return RequestRefused([shown], status, {name.lower(): value for name, value in headers.items()})
    return RequestRefused([shown], 500 if "errorId" in (shown.extensions or {}) else None)


async def _only(batch: Batch) -> AsyncGenerator[Batch, None]:
    yield batch


def _refuse_wrong_type(operation: Operation, *, is_read: bool, is_stream: bool) -> None:
    if operation.type is OperationType.MUTATION and is_read:
        raise _not_allowed("A mutation is sent by POST.", "POST")
    if operation.type is OperationType.SUBSCRIPTION and not is_stream:
        message = f"Subscriptions need a WebSocket with the protocol graphql-transport-ws, or Accept: {EVENT_STREAM}."
        raise refusal(RequestCode.BAD_REQUEST, message)


def _refuse_what_was_not_done(result: ExecutionResult, extensions: Mapping[str, Any]) -> None:
    """Refuse a mutation that timed out or had no database with 503, which proxies and clients retry.

    If the connection is lost during the commit, the outcome is unknown. A retry is safe: mutations are idempotent.
    """
    for error in result.errors or ():
        # Deeper down it is what was done that could not be shown.
        if len(error.path or ()) == 1 and (error.extensions or {}).get("code") == BUSY:
            refused = status_of(Busy())
            assert refused is not None
            raise RequestRefused([error], *refused, extensions)


def _not_allowed(message: str, allowed: str) -> RequestRefused:
    return refusal(RequestCode.METHOD_NOT_ALLOWED, message, 405, {"allow": allowed})


def _unsupported(message: str) -> RequestRefused:
    return refusal(RequestCode.UNSUPPORTED_MEDIA_TYPE, message, 415, {"accept": MediaType.JSON.value})


def _headers(scope: Scope) -> dict[str, str]:
    """The headers by name; one that comes several times is one, with commas."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


async def _send(reply: Reply, send: Send, *, is_head: bool) -> None:
    headers: list[Any] = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
    if reply.status != 304:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else reply.body})
