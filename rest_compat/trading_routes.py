"""`/api/trading`: strategies, orders, fills, positions and the audit log."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from app.errors import OrderNotFound
from app.principal import Principal
from app.reads.catalogue.administration import AUDIT_ENTRY, STRATEGY, SUMMARY
from app.reads.catalogue.fill import FILL, FILL_SUMMARY
from app.reads.catalogue.trading import ORDER, POSITION
from app.reads.compiled import OwnedObject
from app.reads.entity import Entity
from app.reads.query import Grouping, Op, ReadQuery, ResultFormat, Selected, Selection
from app.resolvers import reads
from app.rules.enums import OrderStatus
from app.rules.identity import read_uuid
from rest_compat import schemas
from rest_compat.errors import responses_of
from rest_compat.queries import (
    PENDING,
    TEXT_LENGTH_MAX,
    FillsQuery,
    FillsSummaryQuery,
    Filters,
    OrderFillsQuery,
    OrderQuery,
    OrdersQuery,
    PageQuery,
    PositionsQuery,
)
from rest_compat.responses import VALUATION_HEADERS, context_of, json_response, list_response, valued, valued_response
from rest_compat.strict_route import Caller, StrictRoute

IN_FLIGHT: list[str | None] = [
    OrderStatus.INITIALIZED,
    OrderStatus.EMULATED,
    OrderStatus.RELEASED,
    OrderStatus.SUBMITTED,
    OrderStatus.PENDING_UPDATE,
    OrderStatus.PENDING_CANCEL,
]
"""The statuses that PENDING means in the old documentation."""

ClientOrderId = Annotated[
    str, Path(description="Any characters; write `/` as `%2F`.", examples=["O-20220101-001400-001-000-1"])
]


def _groups(key: str, model: type[BaseModel], by: str) -> Selected:
    children = schemas.selection_of(model, realized_pnl="untrimmed_pnl")
    return Selected("groups", key, children, arguments=Grouping(by=(by,)))


_STRATEGY = schemas.selection_of(schemas.Strategy)
_ORDER = schemas.selection_of(schemas.Order)
_FILL = schemas.selection_of(schemas.Fill)
_POSITION = schemas.selection_of(schemas.Position)
_AUDIT_ENTRY = schemas.selection_of(schemas.AuditEntry, id="number")
_SUMMARY = ReadQuery(schemas.selection_of(schemas.Summary), ResultFormat.ONE)
_GROUPS = (
    _groups("by_currency", schemas.CurrencyFills, "currency"),
    _groups("by_instrument", schemas.InstrumentFills, "instrument_id"),
)
_FILLS_SUMMARY = valued(
    Selection((*schemas.selection_of(schemas.FillsSummary).fields[:-2], *_GROUPS)), source="rests_on"
)
_DENY_REASON = schemas.selection_of(schemas.DenyReason)

_LIST_HEADERS = {
    "X-Total-Count": {
        "description": "Row count of the whole list.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
        "example": 1234,
    },
    "Link": {
        "description": 'Address of the next page (`rel="next"`); absent on the last page.',
        "schema": {"type": "string"},
        "example": '</api/trading/orders?limit=100&offset=100>; rel="next"',
    },
}

router = APIRouter(prefix="/api/trading", tags=["trading"], route_class=StrictRoute, default_response_class=Response)


def _list_of(model: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    return responses_of(list[model], "A page, newest first.", *statuses, headers=_LIST_HEADERS)  # type: ignore[valid-type]


async def _page(
    request: Request,
    principal: Principal,
    query: PageQuery,
    entity: Entity,
    selection: Selection,
    filters: Filters | None = None,
) -> Response:
    filters = filters or Filters()
    answer = await reads.read(context_of(request), principal, filters.page(selection, query), filters.values, entity)
    return list_response(request, answer, query)


@router.get("/strategies", responses=_list_of(schemas.Strategy))
async def list_strategies(request: Request, principal: Caller, query: Annotated[PageQuery, Query()]) -> Response:
    """All strategies, newest first."""
    return await _page(request, principal, query, STRATEGY, _STRATEGY)


@router.get("/orders", responses=_list_of(schemas.Order))
async def list_orders(request: Request, principal: Caller, query: Annotated[OrdersQuery, Query()]) -> Response:
    """Orders, newest first by `ts_init`."""
    filters = Filters(strategy_id=query.strategy_id, instrument_id=query.instrument_id)
    filters.add("strategy_name", Op.CONTAINS, query.strategy_name)
    filters.add_names("status", *(IN_FLIGHT if query.status == PENDING else [query.status]))
    return await _page(request, principal, query, ORDER, _ORDER, filters)


@router.get("/orders/{client_order_id}", responses=responses_of(schemas.Order, "Found.", 404, 409))
async def get_order(
    request: Request, principal: Caller, client_order_id: ClientOrderId, query: Annotated[OrderQuery, Query()]
) -> Response:
    """One order."""
    order = await _order(request, principal, client_order_id, query, _ORDER)
    return json_response(order.body)


@router.get("/orders/{client_order_id}/fills", responses=_list_of(schemas.Fill, 404, 409))
async def list_order_fills(
    request: Request, principal: Caller, client_order_id: ClientOrderId, query: Annotated[OrderFillsQuery, Query()]
) -> Response:
    """The fills of one order, newest first by `ts_event`."""
    order = await _order(request, principal, client_order_id, query, _DENY_REASON)
    filters = Filters(strategy_id=order.strategy_id, client_order_id=client_order_id)
    return await _page(request, principal, query, FILL, _FILL, filters)


@router.get("/orders/{client_order_id}/deny-reason", responses=responses_of(schemas.DenyReason, "Found.", 404, 409))
async def get_deny_reason(
    request: Request, principal: Caller, client_order_id: ClientOrderId, query: Annotated[OrderQuery, Query()]
) -> Response:
    """Why an order was denied or rejected; null if it was neither."""
    order = await _order(request, principal, client_order_id, query, _DENY_REASON)
    return json_response(order.body)


@router.get("/fills", responses=_list_of(schemas.Fill))
async def list_fills(request: Request, principal: Caller, query: Annotated[FillsQuery, Query()]) -> Response:
    """Fills, newest first by `ts_event`."""
    filters = Filters(instrument_id=query.instrument_id, strategy_id=query.strategy_id)
    filters.add("strategy_name", Op.CONTAINS, query.strategy_name)
    filters.add_names("side", query.side)
    return await _page(request, principal, query, FILL, _FILL, filters)


@router.get("/fills/summary", responses=responses_of(schemas.FillsSummary, "Found.", headers=VALUATION_HEADERS))
async def summarize_fills(
    request: Request, principal: Caller, query: Annotated[FillsSummaryQuery, Query()]
) -> Response:
    """Sums of fills, by currency and by instrument."""
    filters = Filters(strategy_id=query.strategy_id, instrument_id=query.instrument_id)
    sums = ReadQuery(_FILLS_SUMMARY, ResultFormat.ONE, arguments=Grouping(filters.condition()))
    answer = await reads.read(context_of(request), principal, sums, filters.values, FILL_SUMMARY)
    return valued_response(answer.body)


@router.get("/positions", responses=_list_of(schemas.Position))
async def list_positions(request: Request, principal: Caller, query: Annotated[PositionsQuery, Query()]) -> Response:
    """Positions, newest first by opening; open ones by default."""
    strategy_id = None if query.strategy_id is None else read_uuid(query.strategy_id)
    name = query.strategy_id if strategy_id is None else None
    filters = Filters(strategy_id=strategy_id, strategy_name=name, instrument_id=query.instrument_id)
    filters.add_names("status", query.status)
    return await _page(request, principal, query, POSITION, _POSITION, filters)


@router.get("/summary", responses=responses_of(schemas.Summary, "Found."))
async def get_summary(request: Request, principal: Caller) -> Response:
    """Counts of signals, orders and fills."""
    return json_response((await reads.read(context_of(request), principal, _SUMMARY, (), SUMMARY)).body)


@router.get("/audit", responses=_list_of(schemas.AuditEntry))
async def list_audit_entries(request: Request, principal: Caller, query: Annotated[PageQuery, Query()]) -> Response:
    """The audit log, newest first by `ts`."""
    return await _page(request, principal, query, AUDIT_ENTRY, _AUDIT_ENTRY)


async def _order(
    request: Request, principal: Principal, client_order_id: str, query: OrderQuery, selection: Selection
) -> OwnedObject:
    """One order. Raises OrderNotFound, also for an id that PostgreSQL cannot store, and OrderAmbiguous."""
    if "\x00" in client_order_id or len(client_order_id) > TEXT_LENGTH_MAX:
        raise OrderNotFound(client_order_id[:TEXT_LENGTH_MAX])
    return await reads.get_order(context_of(request), principal, client_order_id, query.strategy_id, selection)
