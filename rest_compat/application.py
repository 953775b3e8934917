"""Adds the REST API to an application."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from rest_compat import budget_routes, health_routes, schemas, trading_routes
from rest_compat.errors import add_error_handlers
from rest_compat.pages import add_pages

TAGS = [
    {"name": "trading", "description": "Strategies, orders, fills, positions and the audit log."},
    {"name": "budget", "description": "Capital budgets of strategies."},
    {"name": "health", "description": "Liveness and readiness."},
]

_EMPTY = "Without a value (`?name=`): as if omitted."


def add_rest(app: FastAPI) -> None:
    """Add the REST paths, their error handlers, `/openapi.json`, `/docs` and `/redoc`.

    The application's `state.context` must be set before the first request.
    """
    for router in (health_routes.router, trading_routes.router, budget_routes.router):
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
