"""`/api/budget`: so far only what a strategy's fills have realized."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.errors import StrategyNotFound
from app.resolvers import budgets
from rest_compat import shapes
from rest_compat.asker import Asker
from rest_compat.errors import responses
from rest_compat.exact_route import ExactRoute
from rest_compat.queries import NoQuery
from rest_compat.replies import context_of, json_reply

_UNKNOWN = StrategyNotFound("5f17147f-2bbd-5c76-af87-1f010d829329")

router = APIRouter(prefix="/api/budget", tags=["budget"], route_class=ExactRoute)


@router.get(
    "/{strategy_id}/pnl/realized",
    response_class=Response,
    responses={200: {"model": shapes.RealizedPnl, "description": "By currency."}, **responses(404, unknown=_UNKNOWN)},
)
async def get_realized_pnl(
    request: Request, principal: Asker, strategy_id: Annotated[UUID, Path()], query: Annotated[NoQuery, Query()]
) -> Response:
    """What a strategy's fills have realized, and what they cost."""
    return json_reply(await budgets.get_realized_pnl(context_of(request), principal, strategy_id))
