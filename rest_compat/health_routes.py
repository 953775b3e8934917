"""`/health`: liveness, which ignores the database because a restart would not repair it. `/health/ready`: readiness."""

from fastapi import APIRouter, Request, Response

from app.resolvers.health import check_readiness
from rest_compat import schemas
from rest_compat.errors import responses_of
from rest_compat.responses import context_of, json_response
from rest_compat.strict_route import StrictRoute

router = APIRouter(tags=["health"], route_class=StrictRoute, default_response_class=Response)


@router.get("/health", responses=responses_of(schemas.Health, "Alive."))
async def get_health(request: Request) -> Response:
    """Whether the process answers."""
    return json_response(b'{"status":"ok"}')


@router.get(
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
