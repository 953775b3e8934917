"""Adds the REST API to an application, with `/health` and `/health/ready`."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from app.resolvers.health import check_readiness
from rest_compat import budget_routes, schemas, trading_routes
from rest_compat.errors import add_error_handlers, responses_of
from rest_compat.pages import add_pages
from rest_compat.responses import context_of, json_response
from rest_compat.strict_route import StrictRoute

TAGS = [
    {"name": "trading", "description": "Strategies, orders, fills, positions and the audit log."},
    {"name": "budget", "description": "Capital budgets of strategies."},
    {"name": "health", "description": "Liveness and readiness."},
]

_EMPTY = "Without a value (`?name=`): as if omitted."

health_router = APIRouter(tags=["health"], route_class=StrictRoute, default_response_class=Response)


@health_router.get("/health", responses=responses_of(schemas.Health, "Alive."))
async def get_health(request: Request) -> Response:
    """Whether the process answers."""
    # Without the database: a restart would not repair it.
    return json_response(b'{"status":"ok"}')


@health_router.get(
    "/health/ready",
    responses={
        **responses_of(schemas.Readiness, "Ready."),
        503: {"model": schemas.Readiness, "description": "Not ready: send requests to another instance, or retry."},
    },
)
async def get_readiness(request: Request) -> Response:
    """Whether the database answers, has the schema of this release, and the registry is fresh."""
    is_ready, checks = await check_readiness(context_of(request))
    return json_response(checks, 200 if is_ready else 503)


def add_rest(app: FastAPI) -> None:
    """Add the REST paths, their error handlers, `/openapi.json`, `/docs` and `/redoc`.

    The application's `state.context` must be set before the first request.
    """
    for router in (health_router, trading_routes.router, budget_routes.router):
        # FastAPI would search an included router twice per request.
        app.router.routes.extend(router.routes)
    add_error_handlers(app)
    add_pages(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    """Correct FastAPI's document: it drops nulls from examples, sorts their keys, and names operations after paths.

    Add that `StrictRoute` accepts each query parameter without a value.
    """
    for name, schema in document["components"]["schemas"].items():
        if "examples" in schema and (example := getattr(getattr(schemas, name, None), "example", None)):
            schema["examples"] = [example()]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query":
                    text = (parameter.get("description") or parameter["schema"].get("description", "")).rstrip(".")
                    parameter["description"] = f"{text}. {_EMPTY}" if text else _EMPTY
                    parameter["allowEmptyValue"] = True
            operation["operationId"] = operation["operationId"].removesuffix(
                "".join(c if c.isalnum() else "_" for c in path) + f"_{method}"
            )


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=TAGS,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        _complete(app.openapi_schema)
    return app.openapi_schema
