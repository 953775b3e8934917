"""`/api/trading`: strategies, orders, fills, positions, the audit log."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from app.errors import OrderNotFound
from app.reads import Op, ReadQuery, ResultFormat
from app.resolvers import fills, orders, reads
from app.rules.enums import OrderStatus
from app.rules.identity import read_uuid
from rest_compat import schemas
from rest_compat.dependencies import Asker
from rest_compat.errors import responses
from rest_compat.listing import Filters
from rest_compat.queries import (
    PENDING,
    TEXT_LENGTH_MAX,
    FillsQuery,
    FillsSummaryQuery,
    NoQuery,
    OrderFillsQuery,
    OrderQuery,
    OrdersQuery,
    PageQuery,
    PositionsQuery,
)
from rest_compat.replies import VALUATION_HEADERS, context_of, json_reply, list_reply, sums_reply
from rest_compat.strict_route import ExactRoute

IN_FLIGHT: list[str | None] = [
    OrderStatus.INITIALIZED,
    OrderStatus.EMULATED,
    OrderStatus.RELEASED,
    OrderStatus.SUBMITTED,
    OrderStatus.PENDING_UPDATE,
    OrderStatus.PENDING_CANCEL,
]
"""What PENDING meant in the old documentation."""

ClientOrderId = Annotated[
    str, Path(description="Any characters; `/` as `%2F`.", examples=["O-20220101-001400-001-000-1"])
]

_STRATEGY = schemas.selection_of(schemas.Strategy)
_ORDER = schemas.selection_of(schemas.Order)
_FILL = schemas.selection_of(schemas.Fill)
_POSITION = schemas.selection_of(schemas.Position)
_AUDIT_ENTRY = schemas.selection_of(schemas.AuditEntry, id="number")
_SUMMARY = ReadQuery(schemas.selection_of(schemas.Summary), ResultFormat.ONE)
_DENY_REASON = schemas.selection_of(schemas.DenyReason)

_LIST_HEADERS = {
    "X-Total-Count": {
        "description": "How many rows the whole list has.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
        "example": 1234,
    },
    "Link": {
        "description": 'Where the next page is (`rel="next"`); absent on the last one.',
        "schema": {"type": "string"},
        "example": '</api/trading/orders?limit=100&offset=100>; rel="next"',
    },
}

router = APIRouter(prefix="/api/trading", tags=["trading"], route_class=ExactRoute)


def _list_of(model: type[BaseModel], *statuses: int) -> dict[str, Any]:
    ok: dict[int | str, dict[str, Any]] = {
        200: {"model": list[model], "description": "A page, newest first.", "headers": _LIST_HEADERS}  # type: ignore[valid-type]
    }
    return {"response_class": Response, "responses": {**ok, **responses(*statuses)}}


def _one(model: type[BaseModel], *statuses: int, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    ok: dict[int | str, dict[str, Any]] = {200: {"model": model, "description": "As it stands."}}
    if headers is not None:
        ok[200]["headers"] = headers
    return {"response_class": Response, "responses": {**ok, **responses(*statuses)}}


@router.get("/strategies", **_list_of(schemas.Strategy))
async def list_strategies(request: Request, principal: Asker, query: Annotated[PageQuery, Query()]) -> Response:
    """All strategies, the newest first."""
    filters = Filters()
    read = filters.page(_STRATEGY, query)
    return list_reply(request, await reads.list_strategies(context_of(request), principal, read, filters.values), query)


@router.get("/orders", **_list_of(schemas.Order))
async def list_orders(request: Request, principal: Asker, query: Annotated[OrdersQuery, Query()]) -> Response:
    """Orders, newest first by `ts_init`."""
    filters = Filters()
    filters.add("strategy_id", Op.EQ, query.strategy_id)
    filters.add("strategy_name", Op.CONTAINS, query.strategy_name)
    filters.add("instrument_id", Op.EQ, query.instrument_id)
    filters.add_names("status", *(IN_FLIGHT if query.status == PENDING else [query.status]))
    read = filters.page(_ORDER, query)
    found = await reads.list_orders(context_of(request), principal, read, filters.values)
    return list_reply(request, found, query)


@router.get("/orders/{client_order_id}", **_one(schemas.Order, 404, 409))
async def get_order(
    request: Request, principal: Asker, client_order_id: ClientOrderId, query: Annotated[OrderQuery, Query()]
) -> Response:
    """One order."""
    context = context_of(request)
    order = await orders.get_order(context, principal, _stored(client_order_id), query.strategy_id, _ORDER)
    return json_reply(order.body)


@router.get("/orders/{client_order_id}/fills", **_list_of(schemas.Fill, 404, 409))
async def list_order_fills(
    request: Request, principal: Asker, client_order_id: ClientOrderId, query: Annotated[OrderFillsQuery, Query()]
) -> Response:
    """The fills of one order, newest first by `ts_event`."""
    context = context_of(request)
    order = await orders.get_order(context, principal, _stored(client_order_id), query.strategy_id, _DENY_REASON)
    filters = Filters()
    filters.add("strategy_id", Op.EQ, order.strategy_id)
    filters.add("client_order_id", Op.EQ, client_order_id)
    read = filters.page(_FILL, query)
    return list_reply(request, await reads.list_fills(context, principal, read, filters.values), query)


@router.get("/orders/{client_order_id}/deny-reason", **_one(schemas.DenyReason, 404, 409))
async def get_deny_reason(
    request: Request, principal: Asker, client_order_id: ClientOrderId, query: Annotated[OrderQuery, Query()]
) -> Response:
    """Why one order was refused; null where it was neither denied nor rejected."""
    context = context_of(request)
    order = await orders.get_order(context, principal, _stored(client_order_id), query.strategy_id, _DENY_REASON)
    return json_reply(order.body)


@router.get("/fills", **_list_of(schemas.Fill))
async def list_fills(request: Request, principal: Asker, query: Annotated[FillsQuery, Query()]) -> Response:
    """Fills, newest first by `ts_event`."""
    filters = Filters()
    filters.add("instrument_id", Op.EQ, query.instrument_id)
    filters.add("strategy_id", Op.EQ, query.strategy_id)
    filters.add("strategy_name", Op.CONTAINS, query.strategy_name)
    filters.add_names("side", query.side)
    read = filters.page(_FILL, query)
    found = await reads.list_fills(context_of(request), principal, read, filters.values)
    return list_reply(request, found, query)


@router.get("/fills/summary", **_one(schemas.FillsSummary, headers=VALUATION_HEADERS))
async def summarize_fills(request: Request, principal: Asker, query: Annotated[FillsSummaryQuery, Query()]) -> Response:
    """What fills add up to, by currency and by instrument."""
    filters = Filters()
    filters.add("strategy_id", Op.EQ, query.strategy_id)
    filters.add("instrument_id", Op.EQ, query.instrument_id)
    sums = await fills.summarize_fills(context_of(request), principal, filters.condition(), filters.values)
    return sums_reply(sums)


@router.get("/positions", **_list_of(schemas.Position))
async def list_positions(request: Request, principal: Asker, query: Annotated[PositionsQuery, Query()]) -> Response:
    """Positions, the one opened last first; the open ones unless `status` says otherwise."""
    filters = Filters()
    if query.strategy_id is not None:
        strategy_id = read_uuid(query.strategy_id)
        filters.add("strategy_id", Op.EQ, strategy_id)
        filters.add("strategy_name", Op.EQ, query.strategy_id if strategy_id is None else None)
    filters.add("instrument_id", Op.EQ, query.instrument_id)
    filters.add_names("status", query.status)
    read = filters.page(_POSITION, query)
    return list_reply(request, await reads.list_positions(context_of(request), principal, read, filters.values), query)


@router.get("/summary", **_one(schemas.Summary))
async def get_summary(request: Request, principal: Asker, query: Annotated[NoQuery, Query()]) -> Response:
    """How many signals, orders and fills there are."""
    return json_reply((await reads.get_summary(context_of(request), principal, _SUMMARY)).body)


@router.get("/audit", **_list_of(schemas.AuditEntry))
async def list_audit_entries(request: Request, principal: Asker, query: Annotated[PageQuery, Query()]) -> Response:
    """The audit log, newest first by `ts`."""
    filters = Filters()
    read = filters.page(_AUDIT_ENTRY, query)
    return list_reply(
        request, await reads.list_audit_entries(context_of(request), principal, read, filters.values), query
    )


def _stored(client_order_id: str) -> str:
    """An id that could be one: what PostgreSQL cannot store, no order has."""
    if "\x00" in client_order_id or len(client_order_id) > TEXT_LENGTH_MAX:
        raise OrderNotFound(client_order_id[:TEXT_LENGTH_MAX])
    return client_order_id
