"""`/health`: the process is alive; it does not ask the database, for a restart would not mend that.

`/health/ready`: it can do its work now.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.resolvers.health import check_readiness
from rest_compat import schemas
from rest_compat.errors import responses
from rest_compat.queries import NoQuery
from rest_compat.replies import context_of, json_reply
from rest_compat.strict_route import ExactRoute

router = APIRouter(tags=["health"], route_class=ExactRoute)


@router.get(
    "/health",
    response_class=Response,
    responses={200: {"model": schemas.Health, "description": "Alive."}, **responses()},
)
async def get_health(request: Request, query: Annotated[NoQuery, Query()]) -> Response:
    """Whether the process answers."""
    return json_reply(b'{"status":"ok"}')


@router.get(
    "/health/ready",
    response_class=Response,
    responses={
        **responses(),
        200: {"model": schemas.Readiness, "description": "Ready."},
        503: {"model": schemas.Readiness, "description": "Not ready: send requests elsewhere, or ask again."},
    },
)
async def get_readiness(request: Request, query: Annotated[NoQuery, Query()]) -> Response:
    """Whether the database answers, its schema is this release's, and the registry is fresh."""
    readiness = await check_readiness(context_of(request))
    return json_reply(readiness.json(), 200 if readiness.is_ready else 503)
