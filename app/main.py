"""The composition root: builds the application from settings, database, GraphQL and REST."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Scope

from app.authentication.authentication import Authentication, LocalNames, Throttle, is_loopback_only
from app.authentication.keyring import Keyring
from app.authentication.middleware import AuthenticationMiddleware
from app.database import Database
from app.errors import DatabaseUnavailable, PurserError
from app.feed.feed import Feed
from app.feed.registry import Registry
from app.ledger.holds.revaluation import value_waiting
from app.metrics import add_metrics
from app.resolvers import Context, StrategyNames
from app.settings import FixedLimits, Settings
from app.trailing_slashes import add_slash_redirects
from graphql_schema import GRAPHQL_PATH, add_graphql, graphql_refusal
from rest_compat.application import add_rest
from rest_compat.errors import rest_refusal

_DESCRIPTION = """
The operations of trading engines (orders, fills, positions, signals), kept as an exact ledger.

Numbers are JSON numbers with the exact decimal digits of the ledger: parse them as decimals.
Instants are RFC 3339, UTC, with nanoseconds. Lists are newest first, in the same order on every call.
A query parameter may be given once. One without a value (`?status=`) counts as omitted; blanks are a value.
A path with a trailing slash is redirected (307) to the path without it.
New clients should use `/graphql`, which has all of this and more.
"""

_START_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Purser</title></head>
<body>
<h1>Purser</h1>
<ul>
<li><a href="graphql">Explore GraphQL</a> (GraphiQL)</li>
<li><a href="docs">Try the REST API</a> (Swagger UI)</li>
<li><a href="redoc">Read the REST reference</a> (Redoc)</li>
<li><a href="openapi.json">OpenAPI document</a></li>
<li>GraphQL endpoint: POST <code>/graphql</code></li>
</ul>
</body>
</html>
"""


def create_app(settings: Settings | None = None, limits: FixedLimits | None = None) -> FastAPI:
    """The application. It opens its database on startup; `settings.database_url` must be set by then."""
    settings, limits = settings or Settings(), limits or FixedLimits()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert settings.database_url is not None, "`purser serve` sets PURSER_DATABASE_URL for its workers"
        url = settings.database_url.get_secret_value()
        database = await Database.open(url, settings.pool_limits())
        with suppress(DatabaseUnavailable):
            await value_waiting(database)
        keyring = await Keyring.open(database, limits.keys_reload_seconds, limits.keys_stale_seconds_max)
        registry, names = Registry(), StrategyNames()
        feed = Feed(registry, keyring, names)
        database.committed = feed.wake
        app.state.context = Context(database, limits.authorize_waiting_max, names, feed=feed, registry=registry)
        app.state.authentication = Authentication(
            keyring,
            Throttle(settings.wrong_keys_max),
            LocalNames(settings.allowed_host_names, settings.allowed_origin_names),
            is_loopback_only=is_loopback_only(settings.host),
        )
        try:
            async with feed.running(url), metrics.kept_up(app.state.context):
                yield
        finally:
            await keyring.close()
            await database.close()

    app = FastAPI(
        title="Purser",
        version=version("purser"),
        summary="The operations API for algorithmic trading.",
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # `add_slash_redirects` does so without naming a host
        generate_unique_id_function=lambda route: route.name,
    )
    app.add_middleware(AuthenticationMiddleware, refuse=_refusal)
    if settings.allowed_origin_names:
        _allow_origins(app, settings.allowed_origin_names)
    add_rest(app)
    add_graphql(app, settings, limits)
    metrics = add_metrics(app)
    app.router.add_route("/", _start_page, include_in_schema=False)
    add_slash_redirects(app)
    return app


def _allow_origins(app: FastAPI, origins: list[str]) -> None:
    """Let pages of these origins use the APIs. Outside authentication: a preflight has no key, and refusals are read.

    Keys are sent in headers, never by the browser on its own, so credentials are not allowed.
    """
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "If-None-Match", "X-API-Key", "X-Request-ID"],
        expose_headers=["ETag", "Retry-After", "WWW-Authenticate"],
    )


def _refusal(scope: Scope, error: PurserError) -> ASGIApp:
    """The response to a request that fails authentication, in the format of the API that it addresses."""
    return graphql_refusal(error) if scope["path"] == GRAPHQL_PATH else rest_refusal(error)


async def _start_page(_: Request) -> HTMLResponse:
    return HTMLResponse(_START_PAGE)
