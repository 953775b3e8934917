"""`/api/budget`: what strategies may tie up, and what their fills have realized."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.errors import BudgetInUse, BudgetNotFound, StrategyNotFound
from app.reads import Selected, Selection
from app.resolvers import budgets
from rest_compat import schemas
from rest_compat.dependencies import Asker
from rest_compat.errors import responses
from rest_compat.queries import BudgetQuery, NoQuery, SetBudgetQuery
from rest_compat.replies import VALUATION_HEADERS, context_of, sums_reply, validated_reply, valued_reply
from rest_compat.strict_route import ExactRoute

AGE_HEADER = "X-Registry-Age"

_EXAMPLE_ID = "5f17147f-2bbd-5c76-af87-1f010d829329"
_UNKNOWN_STRATEGY = StrategyNotFound(_EXAMPLE_ID)
_UNKNOWN_BUDGET = BudgetNotFound(UUID(_EXAMPLE_ID), "USDT")
_IN_USE = BudgetInUse("The budget has 200.00 USDT reserved.")
_BUDGET = Selection((*schemas.selection_of(schemas.BudgetSummaryResponse).fields, Selected("valuation", "valuation")))
"""For `valued_reply`."""
_REGISTRY_HEADERS = {
    AGE_HEADER: {
        "description": "Seconds since the change feed was last read to its end: nothing older is missing. "
        "Below two while the database is reachable.",
        "required": True,
        "schema": {"type": "number", "minimum": 0},
        "example": 0.25,
    },
    "ETag": {"description": "For `If-None-Match`: 304 while nothing has changed.", "schema": {"type": "string"}},
}

StrategyId = Annotated[UUID, Path()]
Currency = Annotated[str, Path(description="As the engine writes it.", examples=["USDT"])]

router = APIRouter(prefix="/api/budget", tags=["budget"], route_class=ExactRoute)


@router.get(
    "/registry",
    response_class=Response,
    responses={
        200: {
            "model": dict[UUID, dict[str, schemas.BudgetSummaryResponse]],
            "description": "By strategy and currency.",
            "headers": _REGISTRY_HEADERS,
        },
        304: {"description": "As the client has it already.", "headers": _REGISTRY_HEADERS},
        **responses(),
    },
)
async def get_registry(request: Request, principal: Asker, query: Annotated[NoQuery, Query()]) -> Response:
    """All budgets, from the service's memory: also while the database is away, and then as they were."""
    page, age_seconds = budgets.get_registry(context_of(request), principal)
    return validated_reply(request, page.body, page.digest, {AGE_HEADER: f"{age_seconds:.3f}"})


@router.get(
    "/{strategy_id}",
    response_class=Response,
    responses={
        200: {"model": schemas.BudgetSummaryResponse, "description": "As it stands.", "headers": VALUATION_HEADERS},
        **responses(404, unknown=_UNKNOWN_BUDGET),
    },
)
async def get_budget(
    request: Request, principal: Asker, strategy_id: StrategyId, query: Annotated[BudgetQuery, Query()]
) -> Response:
    """One budget of a strategy: its oldest, unless `currency` says which."""
    return valued_reply(await budgets.get_budget(context_of(request), principal, strategy_id, query.currency, _BUDGET))


@router.put(
    "/{strategy_id}/{currency}",
    response_class=Response,
    responses={
        **responses(404, 413, unknown=_UNKNOWN_STRATEGY),
        200: {
            "model": schemas.BudgetSummaryResponse,
            "description": "As it stands since.",
            "headers": VALUATION_HEADERS,
        },
    },
)
async def set_budget(
    request: Request,
    principal: Asker,
    strategy_id: StrategyId,
    currency: Currency,
    query: Annotated[SetBudgetQuery, Query()],
    body: schemas.BudgetRequest,
) -> Response:
    """Cap what a strategy may tie up in a currency, now and as often as wanted. What is reserved stays reserved.

    A currency that differs from a known one in case or by one letter is refused (422), with the one that was probably
    meant; `new_currency` says that it is a new one all the same.
    """
    context = context_of(request)
    await budgets.set_budget(
        context, principal, strategy_id, currency, body.allocated, is_new_currency=query.new_currency
    )
    return valued_reply(await budgets.look_up_budget(context, principal, strategy_id, currency, _BUDGET))


@router.delete(
    "/{strategy_id}/{currency}",
    status_code=204,
    response_class=Response,
    responses={
        **responses(404, 409, unknown=_UNKNOWN_BUDGET, conflict=_IN_USE),
        204: {"description": "It is gone: nothing more is granted."},
    },
)
async def delete_budget(
    request: Request,
    principal: Asker,
    strategy_id: StrategyId,
    currency: Currency,
    query: Annotated[NoQuery, Query()],
) -> Response:
    """Take a budget away; not while anything is reserved."""
    await budgets.delete_budget(context_of(request), principal, strategy_id, currency)
    return Response(status_code=204)


@router.get(
    "/{strategy_id}/pnl/realized",
    response_class=Response,
    responses={
        200: {"model": schemas.RealizedPnl, "description": "By currency.", "headers": VALUATION_HEADERS},
        **responses(404, unknown=_UNKNOWN_STRATEGY),
    },
)
async def get_realized_pnl(
    request: Request, principal: Asker, strategy_id: StrategyId, query: Annotated[NoQuery, Query()]
) -> Response:
    """What a strategy's fills have realized, and what they cost."""
    return sums_reply(await budgets.get_realized_pnl(context_of(request), principal, strategy_id))
