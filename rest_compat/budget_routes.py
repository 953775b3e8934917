"""`/api/budget`: the budgets of strategies, and the profit that their fills realized."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from app.errors import BudgetInUse, BudgetNotFound, StrategyNotFound
from app.resolvers import budgets
from rest_compat import schemas
from rest_compat.errors import error_responses, responses_of
from rest_compat.queries import BudgetQuery, SetBudgetQuery
from rest_compat.responses import VALUATION_HEADERS, context_of, validated_response, valued, valued_response
from rest_compat.strict_route import Caller, StrictRoute

AGE_HEADER = "X-Registry-Age"

_UNKNOWN_STRATEGY = StrategyNotFound(schemas.STRATEGY_ID)
_UNKNOWN_BUDGET = BudgetNotFound(UUID(schemas.STRATEGY_ID), "USDT")
_IN_USE = BudgetInUse("The budget has 200.00 USDT reserved.")
_BUDGET = valued(schemas.selection_of(schemas.BudgetSummaryResponse))
_REALIZED = valued(schemas.selection_of(schemas.RealizedPnl))
_REGISTRY_HEADERS = {
    AGE_HEADER: {
        "description": "Seconds since the change feed was last read to its end: every older change is included. "
        "Below two while the database is reachable.",
        "required": True,
        "schema": {"type": "number", "minimum": 0},
        "example": 0.25,
    },
    "ETag": {"description": "For `If-None-Match`; 304 while no budget has changed.", "schema": {"type": "string"}},
}

StrategyId = Annotated[UUID, Path(description="The strategy's UUID; `/api/trading/strategies` lists them.")]
Currency = Annotated[str, Path(description="Currency code, as the engine writes it.", examples=["USDT"])]

_valued = partial(responses_of, headers=VALUATION_HEADERS)

router = APIRouter(prefix="/api/budget", tags=["budget"], route_class=StrictRoute, default_response_class=Response)


@router.get(
    "/registry",
    responses={
        **responses_of(
            dict[UUID, dict[str, schemas.BudgetSummaryResponse]],
            "Budgets by strategy and currency.",
            headers=_REGISTRY_HEADERS,
        ),
        304: {"description": "Not modified.", "headers": _REGISTRY_HEADERS},
    },
)
async def get_registry(request: Request, principal: Caller) -> Response:
    """All budgets, from the service's memory; served as last read while the database is unreachable."""
    page, age_seconds = budgets.get_registry(context_of(request), principal)
    return validated_response(request, page.body, page.digest, {AGE_HEADER: f"{age_seconds:.3f}"})


@router.get("/{strategy_id}", responses=_valued(schemas.BudgetSummaryResponse, "The budget.", unknown=_UNKNOWN_BUDGET))
async def get_budget(
    request: Request, principal: Caller, strategy_id: StrategyId, query: Annotated[BudgetQuery, Query()]
) -> Response:
    """One budget of a strategy: its oldest, unless `currency` names another."""
    return valued_response(
        await budgets.get_budget(context_of(request), principal, strategy_id, query.currency, _BUDGET)
    )


@router.put(
    "/{strategy_id}/{currency}",
    responses=_valued(schemas.BudgetSummaryResponse, "The budget after the change.", 413, unknown=_UNKNOWN_STRATEGY),
)
async def set_budget(
    request: Request,
    principal: Caller,
    strategy_id: StrategyId,
    currency: Currency,
    query: Annotated[SetBudgetQuery, Query()],
    body: schemas.BudgetRequest,
) -> Response:
    """Set how much of a currency a strategy may reserve. Existing reservations are kept.

    A currency that differs from a known one only in case or by one letter is refused (422) with the code that was
    probably meant. `new_currency=true` accepts one that differs by a letter.
    """
    context = context_of(request)
    await budgets.set_budget(
        context, principal, strategy_id, currency, body.allocated, is_new_currency=query.new_currency
    )
    return valued_response(await budgets.look_up_budget(context, principal, strategy_id, currency, _BUDGET))


@router.delete(
    "/{strategy_id}/{currency}",
    status_code=204,
    responses={
        **error_responses(unknown=_UNKNOWN_BUDGET, conflict=_IN_USE),
        204: {"description": "Deleted: no further order is granted."},
    },
)
async def delete_budget(request: Request, principal: Caller, strategy_id: StrategyId, currency: Currency) -> Response:
    """Delete a budget; 409 while it has reservations."""
    await budgets.delete_budget(context_of(request), principal, strategy_id, currency)
    return Response(status_code=204)


@router.get(
    "/{strategy_id}/pnl/realized",
    responses=_valued(schemas.RealizedPnl, "Amounts by currency.", unknown=_UNKNOWN_STRATEGY),
)
async def get_realized_pnl(request: Request, principal: Caller, strategy_id: StrategyId) -> Response:
    """Realized profit and fees of a strategy's fills."""
    return valued_response(await budgets.get_realized_pnl(context_of(request), principal, strategy_id, _REALIZED))
