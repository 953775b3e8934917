"""Strawberry as its documentation and SQLModel's show it: types, resolvers, a session for each, DataLoaders."""

import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from fastapi import FastAPI
from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry.dataloader import DataLoader
from strawberry.fastapi import GraphQLRouter
from strawberry.types import Info

from app.models.administration import Strategy as StrategyRow
from app.models.orders import Fill as FillRow
from app.models.orders import Order as OrderRow
from app.models.totals import FillSum
from bench.peers.instants import engine_url, instant_text

_engine = create_async_engine(engine_url(os.environ.get("PURSER_DATABASE_URL", "postgresql://x")), pool_size=8)
_sessions = async_sessionmaker(_engine, class_=AsyncSession, expire_on_commit=False)


@strawberry.type
class Fill:
    row: strawberry.Private[FillRow]
    trade_id: str
    last_qty: Decimal
    last_px: Decimal
    commission: Decimal
    liquidity_side: str

    @strawberry.field
    def ts_event(self) -> str:
        return instant_text(self.row.ts_event)

    @classmethod
    def of(cls, row: FillRow) -> "Fill":
        return cls(
            row=row,
            trade_id=row.trade_id,
            last_qty=row.last_qty,
            last_px=row.last_px,
            commission=row.commission,
            liquidity_side=row.liquidity_side,
        )


@strawberry.type
class Order:
    row: strawberry.Private[OrderRow]
    client_order_id: str
    venue_order_id: str | None
    strategy_id: UUID
    trader_id: str
    account_id: str | None
    instrument_id: str
    position_id: str | None
    side: str
    type: str
    time_in_force: str
    status: str
    quantity: Decimal
    filled_qty: Decimal
    price: Decimal | None

    @strawberry.field
    def ts_init(self) -> str:
        return instant_text(self.row.ts_init)

    @strawberry.field
    async def fills(self, info: Info) -> list[Fill]:
        rows: list[FillRow] = await info.context["fills"].load((self.strategy_id, self.client_order_id))
        return [Fill.of(row) for row in rows]

    @classmethod
    def of(cls, row: OrderRow) -> "Order":
        return cls(
            row=row,
            client_order_id=row.client_order_id,
            venue_order_id=row.venue_order_id,
            strategy_id=row.strategy_id,
            trader_id=row.trader_id,
            account_id=row.account_id,
            instrument_id=row.instrument_id,
            position_id=row.position_id,
            side=row.side,
            type=row.order_type,
            time_in_force=row.time_in_force,
            status=row.status,
            quantity=row.quantity,
            filled_qty=row.filled_qty,
            price=row.price,
        )


@strawberry.type
class Strategy:
    strategy_id: UUID
    name: str
    state: str

    @strawberry.field
    async def orders(self, info: Info, first: int) -> list[Order]:
        rows: list[OrderRow] = await info.context["orders"].load((self.strategy_id, first))
        return [Order.of(row) for row in rows]


@strawberry.type
class FillGroup:
    instrument_id: str
    fills: int
    quantity: Decimal
    notional: Decimal


@strawberry.type
class FillsSummary:
    groups: list[FillGroup]


@strawberry.type
class Query:
    @strawberry.field
    async def orders(self, first: int, strategy: UUID | None = None, before: str | None = None) -> list[Order]:
        statement = select(OrderRow).order_by(col(OrderRow.ts_init).desc()).limit(first)
        if strategy is not None:
            statement = statement.where(OrderRow.strategy_id == strategy)
        if before is not None:
            statement = statement.where(OrderRow.ts_init < int(before))
        async with _sessions() as session:
            return [Order.of(row) for row in await session.exec(statement)]

    @strawberry.field
    async def order(self, client_order_id: str) -> Order | None:
        statement = select(OrderRow).where(OrderRow.client_order_id == client_order_id).limit(1)
        async with _sessions() as session:
            row = (await session.exec(statement)).first()
        return Order.of(row) if row else None

    @strawberry.field
    async def strategies(self) -> list[Strategy]:
        async with _sessions() as session:
            rows = await session.exec(select(StrategyRow).order_by(col(StrategyRow.created_at).desc()))
            return [Strategy(strategy_id=row.strategy_id, name=row.name, state=row.state) for row in rows]

    @strawberry.field
    async def fills_summary(self) -> FillsSummary:
        instrument, sums = col(FillSum.instrument_id), (FillSum.fills, FillSum.quantity, FillSum.notional)
        statement = select(instrument, *(func.sum(one) for one in sums)).group_by(instrument).order_by(instrument)
        async with _sessions() as session:
            rows = await session.exec(statement)
        return FillsSummary(
            groups=[
                FillGroup(instrument_id=name, fills=int(fills), quantity=quantity, notional=notional)
                for name, fills, quantity, notional in rows
            ]
        )


async def _load_fills(keys: list[tuple[UUID, str]]) -> list[list[FillRow]]:
    found = defaultdict(list)
    key = tuple_(col(FillRow.strategy_id), col(FillRow.client_order_id))
    async with _sessions() as session:
        for row in await session.exec(select(FillRow).where(key.in_(keys)).order_by(col(FillRow.ts_event).desc())):
            found[row.strategy_id, row.client_order_id].append(row)
    return [found[key] for key in keys]


async def _load_orders(keys: list[tuple[UUID, int]]) -> list[list[OrderRow]]:
    place = func.row_number().over(partition_by=col(OrderRow.strategy_id), order_by=col(OrderRow.ts_init).desc())
    numbered = select(OrderRow.strategy_id, OrderRow.client_order_id, place.label("place"))
    numbered = numbered.where(col(OrderRow.strategy_id).in_([strategy for strategy, _ in keys]))
    first = numbered.subquery()
    found = defaultdict(list)
    on = (first.c.strategy_id == OrderRow.strategy_id) & (first.c.client_order_id == OrderRow.client_order_id)
    statement = select(OrderRow).join(first, on).where(first.c.place <= max(count for _, count in keys))
    async with _sessions() as session:
        for row in await session.exec(statement.order_by(col(OrderRow.ts_init).desc())):
            found[row.strategy_id].append(row)
    return [found[strategy][:count] for strategy, count in keys]


async def _context() -> dict[str, Any]:
    return {"fills": DataLoader(load_fn=_load_fills), "orders": DataLoader(load_fn=_load_orders)}


def create_app() -> FastAPI:
    """The application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await _engine.dispose()

    app = FastAPI(lifespan=lifespan)
    app.include_router(GraphQLRouter(strawberry.Schema(Query), context_getter=_context), prefix="/graphql")

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app
