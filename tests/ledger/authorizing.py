"""Steps of tests that authorize orders: a strategy with a budget, commands, requests, releases, reserved amounts."""

from collections.abc import Sequence
from decimal import Decimal
from time import time_ns
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from app.database import Database, WriteConnection
from app.errors import PurserError
from app.ledger.authorization.authorize import decide
from app.ledger.authorization.decision_state import Request
from app.ledger.authorization.release import release_order
from app.ledger.commands import AuthorizeOrder, Verdict
from app.ledger.holds.budgets import BudgetBook
from app.ledger.storage.locks import lock_strategies
from app.ledger.storage.writing import write
from app.principal import LOCAL
from app.rules.enums import OrderSide, OrderType
from app.rules.identity import strategy_id_of

TRADER, STRATEGY, INSTRUMENT = "TRADER-001", "EMACross-000", "BTCUSDT-PERP.BINANCE"
STRATEGY_ID = str(strategy_id_of(TRADER, STRATEGY))


async def prepare(database: Database, allocated: str | None = "1000", *, currency: str = "USDT") -> None:
    """Creates a strategy, an instrument that settles in USDT, and a budget."""
    await register(database, TRADER, STRATEGY)
    async with database.unit_of_work() as work:
        await work.execute(
            "INSERT INTO instruments (instrument_id, quote_currency, settlement_currency) VALUES ($1, 'USDT', 'USDT') "
            "ON CONFLICT DO NOTHING",
            INSTRUMENT,
        )
        await work.commit()
    if allocated is not None:
        await allocate(database, Decimal(allocated), currency)


async def register(database: Database, trader: str, strategy: str) -> str:
    """Registers a strategy before its first event. Returns its id."""
    strategy_id = str(strategy_id_of(trader, strategy))
    add = """
        WITH added AS (
            INSERT INTO strategies (strategy_id, name, trader_id, created_at) VALUES ($1, $2, $3, 0)
            ON CONFLICT DO NOTHING RETURNING strategy_id
        ) INSERT INTO changes (strategy_id, entity, key) SELECT strategy_id, 'strategy', strategy_id FROM added
    """
    async with database.unit_of_work() as work:
        await work.execute(add, strategy_id, strategy, trader)
        await work.commit()
    return strategy_id


async def allocate(
    database: Database, allocated: Decimal | None, currency: str = "USDT", strategy_id: str = STRATEGY_ID
) -> None:
    """Sets the allocated amount of a budget."""
    async with database.unit_of_work() as work:
        await lock_strategies(work, [strategy_id])
        book = await BudgetBook.of([strategy_id], time_ns()).fetch(work)
        book.allocate((strategy_id, currency), allocated)
        await write(work, book.writes())
        for strategy_id, of in book.changed:
            await work.execute(
                "INSERT INTO changes (strategy_id, entity, key) VALUES ($1, 'budget', $2)", strategy_id, of
            )
        await work.commit()


def command(
    n: int | str, side: str = "BUY", quantity: str = "1", price: str | None = "100", **more: Any
) -> AuthorizeOrder:
    """The command to authorize order O-n: a LIMIT order, or a MARKET order if it has no price."""
    return AuthorizeOrder(
        strategy=more.pop("strategy", UUID(STRATEGY_ID)),
        client_order_id=f"O-{n}",
        instrument_id=more.pop("instrument_id", INSTRUMENT),
        side=OrderSide(side),
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        **more,
    )


def requests_of(*commands: AuthorizeOrder) -> list[Request]:
    """The commands as requests for `GroupCommit`."""
    return [Request(UUID(str(command.strategy)), command, "local") for command in commands]


async def decide_in(work: WriteConnection, requests: Sequence[Request], now: int) -> list[Verdict | PurserError]:
    """Decides and writes in the caller's transaction."""
    answers, unwritten = await decide(work, requests, now)
    await write(work, unwritten)
    return answers


async def authorize(database: Database, *commands: AuthorizeOrder) -> list[Verdict | PurserError]:
    """Authorizes all orders in one transaction."""
    async with database.unit_of_work() as work:
        answers = await decide_in(work, requests_of(*commands), time_ns())
        await work.commit()
    return answers


def without_repeat_marks(answers: Sequence[Verdict | PurserError]) -> list[Any]:
    """Answers without `is_repeated` and `decided_at`; errors as their messages."""
    return [
        str(answer) if isinstance(answer, PurserError) else replace(answer, is_repeated=False, decided_at=0)
        for answer in answers
    ]


async def release(database: Database, n: int | str) -> str | None:
    """Releases O-n. Returns the currency of its hold."""
    async with database.unit_of_work() as work:
        released = await release_order(work, LOCAL, STRATEGY_ID, f"O-{n}", time_ns())
        await work.commit()
    return released.currency


async def reserved(database: Database, currency: str = "USDT") -> tuple[Decimal, Decimal]:
    """The amounts that orders and positions reserve."""
    async with database.read() as connection:
        row = await connection.fetchrow(
            "SELECT reserved_orders, reserved_positions FROM budgets WHERE strategy_id = $1 AND currency = $2",
            STRATEGY_ID,
            currency,
        )
    return (Decimal(0), Decimal(0)) if row is None else (row["reserved_orders"], row["reserved_positions"])
