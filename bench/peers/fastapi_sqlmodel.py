"""FastAPI with SQLModel as both document it: a session for each request, `response_model`."""

import os
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Query
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.models.administration import Strategy as StrategyRow
from app.models.orders import Order as OrderRow
from bench.peers.instants import engine_url, instant_text

_engine = create_async_engine(engine_url(os.environ.get("PURSER_DATABASE_URL", "postgresql://x")), pool_size=8)
_sessions = async_sessionmaker(_engine, class_=AsyncSession, expire_on_commit=False)


class OrderRead(SQLModel):
    client_order_id: str
    venue_order_id: str | None
    strategy_id: UUID
    strategy_name: str
    trader_id: str
    account_id: str | None
    instrument_id: str
    position_id: str | None
    side: str
    order_type: str
    time_in_force: str
    status: str
    quantity: Decimal
    filled_qty: Decimal
    leaves_qty: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    avg_px: Decimal | None
    reduce_only: bool
    post_only: bool
    deny_reason: str | None
    tags: list[str]
    ts_init: str
    ts_last: str


async def session() -> AsyncIterator[AsyncSession]:
    async with _sessions() as opened:
        yield opened


def create_app() -> FastAPI:
    """The application."""
    app = FastAPI()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/trading/orders", response_model=list[OrderRead])
    async def list_orders(
        session: Annotated[AsyncSession, Depends(session)],
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> list[OrderRead]:
        statement = select(OrderRow, StrategyRow.name).join(
            StrategyRow, col(StrategyRow.strategy_id) == col(OrderRow.strategy_id)
        )
        statement = statement.order_by(col(OrderRow.ts_init).desc()).limit(limit).offset(offset)
        return [
            OrderRead.model_validate(
                row,
                from_attributes=True,
                update={
                    "strategy_name": name,
                    "leaves_qty": max(row.quantity - row.filled_qty, Decimal(0)),
                    "ts_init": instant_text(row.ts_init),
                    "ts_last": instant_text(row.ts_last),
                },
            )
            for row, name in await session.exec(statement)
        ]

    return app
