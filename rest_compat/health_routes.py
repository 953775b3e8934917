"""`/health`: the process is alive. It does not ask the database: a restart would not mend that."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from rest_compat import shapes
from rest_compat.errors import responses
from rest_compat.exact_route import ExactRoute
from rest_compat.queries import NoQuery
from rest_compat.replies import json_reply

router = APIRouter(tags=["health"], route_class=ExactRoute)


@router.get(
    "/health",
    response_class=Response,
    responses={200: {"model": shapes.Health, "description": "Alive."}, **responses()},
)
async def get_health(request: Request, query: Annotated[NoQuery, Query()]) -> Response:
    """Whether the process answers."""
    return json_reply(b'{"status":"ok"}')
