"""Random histories of a budget: the ledger and a simple model agree on every answer and every balance."""

import itertools
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.database import Database
from app.errors import AuthorizationConflict, OrderNotReleasable, PurserError
from app.ledger.administration.strategies import set_global_trading_state, set_trading_state
from app.ledger.authorization.decision_state import Request
from app.ledger.authorization.release import release_order
from app.ledger.commands import AuthorizeOrder, Verdict
from app.ledger.holds.budgets import BudgetBook
from app.ledger.storage.locks import lock_strategies
from app.ledger.storage.writing import write
from app.principal import LOCAL
from app.rules.enums import OrderSide, OrderType, TradingState
from app.rules.identity import strategy_id_of
from tests.events import published
from tests.ledger.authorizing import decide_in
from tests.ledger.budget_model import BudgetModel, ModelOrder
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows, send

pytestmark = pytest.mark.anyio

_histories = itertools.count()
_SIZES = st.sampled_from([Decimal(1), Decimal(2), Decimal(3), Decimal("0.5")])
_PRICES = st.sampled_from([Decimal(90), Decimal(100), Decimal("110.5")])
_NAMES = st.sampled_from("abcdef")
_ORDERS = st.tuples(_NAMES, st.sampled_from(["BUY", "SELL"]), _SIZES, _PRICES, st.booleans())
_OPERATIONS = st.one_of(
    st.tuples(st.just("authorize"), _ORDERS),
    st.tuples(st.just("authorize"), _ORDERS),
    st.tuples(st.just("report"), _ORDERS),
    st.tuples(st.just("submit"), _NAMES),
    st.tuples(st.just("fill"), st.tuples(_NAMES, _SIZES, _PRICES)),
    st.tuples(st.just("fill"), st.tuples(_NAMES, _SIZES, _PRICES)),
    st.tuples(st.just("cancel"), _NAMES),
    st.tuples(st.just("update"), st.tuples(_NAMES, _SIZES, _PRICES)),
    st.tuples(st.just("release"), _NAMES),
    st.tuples(st.just("allocate"), st.sampled_from([None, Decimal(0), Decimal(250), Decimal(500)])),
    st.tuples(st.just("state"), st.sampled_from(["ACTIVE", "ACTIVE", "REDUCING", "HALTED"])),
    st.tuples(st.just("global_state"), st.sampled_from(["ACTIVE", "ACTIVE", "REDUCING", "HALTED"])),
)


class History:
    """A strategy in the ledger, and its model."""

    def __init__(self, database: Database) -> None:
        number = f"{next(_histories)}-{uuid4().hex[:8]}"
        self.database, self.model = database, BudgetModel()
        self.strategy, self.instrument = f"History-{number}", f"I{number}.SIM"
        self.strategy_id = str(strategy_id_of("TRADER-001", self.strategy))
        self.turn = 0

    async def prepare(self) -> None:
        async with self.database.unit_of_work() as work:
            sql = "INSERT INTO strategies (strategy_id, name, trader_id, created_at) VALUES ($1, $2, 'TRADER-001', 0)"
            await work.execute(sql, self.strategy_id, self.strategy)
            sql = (
                "INSERT INTO instruments (instrument_id, quote_currency, settlement_currency) VALUES ($1, 'USD', 'USD')"
            )
            await work.execute(sql, self.instrument)
            sql = "INSERT INTO changes (strategy_id, entity, key) VALUES ($1, 'strategy', $2)"
            await work.execute(sql, self.strategy_id, self.strategy_id)
            await work.commit()
        await self.allocate(Decimal(500))
        await self.global_state("ACTIVE")

    async def apply(self, operation: str, arguments: Any) -> None:
        self.turn += 1
        await getattr(self, operation)(*(arguments if isinstance(arguments, tuple) else (arguments,)))
        await self.compare()

    async def authorize(self, name: str, side: str, quantity: Decimal, price: Decimal, reduce_only: bool) -> None:
        command = AuthorizeOrder(
            strategy=self.strategy,
            client_order_id=name,
            instrument_id=self.instrument,
            side=OrderSide(side),
            order_type=OrderType.LIMIT,
            quantity=quantity,
            price=price,
            reduce_only=reduce_only,
        )
        existing = self.model.orders.get(name)
        answer = await self._decide(Request(UUID(self.strategy_id), command, "model"))
        if existing is not None:
            # The model stores no commands: the ledger repeats its answer or reports a conflict, and
            # changes nothing.
            assert isinstance(answer, AuthorizationConflict) or answer.deny_code == self.model.answers[name]  # type: ignore[union-attr]
            return
        assert isinstance(answer, Verdict)
        expected = self.model.authorize(name, ModelOrder(self.turn, side, quantity, price, reduce_only))
        assert answer.deny_code == expected, answer.reason

    async def _decide(self, request: Request) -> Verdict | PurserError:
        async with self.database.unit_of_work() as work:
            [answer] = await decide_in(work, [request], self._now())
            await work.commit()
        return answer

    async def report(self, name: str, side: str, quantity: Decimal, price: Decimal, reduce_only: bool) -> None:
        if name in self.model.orders:
            return
        order = {"order_side": side, "quantity": quantity, "price": price, "reduce_only": reduce_only}
        await self._send("OrderInitialized", name, **order)
        await self._send("OrderSubmitted", name)
        self.model.report(name, ModelOrder(self.turn, side, quantity, price, reduce_only))

    async def submit(self, name: str) -> None:
        order = self.model.orders.get(name)
        # A denied or released order may still be submitted; a filled or canceled one may not.
        if order is None or order.status not in ("INITIALIZED", "DENIED", "RELEASED"):
            return
        await self._send("OrderSubmitted", name)
        self.model.submit(name)

    async def fill(self, name: str, quantity: Decimal, price: Decimal) -> None:
        order = self.model.orders.get(name)
        if order is None or order.status != "SUBMITTED":
            return
        await self._send(
            "OrderFilled", name, last_qty=quantity, last_px=price, order_side=order.side, trade_id=f"T-{self.turn}"
        )
        self.model.fill(name, quantity, price)

    async def cancel(self, name: str) -> None:
        order = self.model.orders.get(name)
        if order is None or order.status != "SUBMITTED":
            return
        await self._send("OrderCanceled", name)
        self.model.cancel(name)

    async def update(self, name: str, quantity: Decimal, price: Decimal) -> None:
        order = self.model.orders.get(name)
        if order is None or order.status != "SUBMITTED":
            return
        await self._send("OrderUpdated", name, quantity=quantity, price=price)
        self.model.update(name, quantity, price)

    async def release(self, name: str) -> None:
        order = self.model.orders.get(name)
        if order is None:
            return
        async with self.database.unit_of_work() as work:
            try:
                await release_order(work, LOCAL, self.strategy_id, name, self._now())
            except OrderNotReleasable:
                assert order.status not in ("INITIALIZED", "RELEASED")
                return
            await work.commit()
        assert order.status in ("INITIALIZED", "RELEASED")
        self.model.release(name)

    async def allocate(self, allocated: Decimal | None) -> None:
        if allocated is None and self.model.reserved:
            return
        async with self.database.unit_of_work() as work:
            await lock_strategies(work, [self.strategy_id])
            book = await BudgetBook.of([self.strategy_id], self._now()).fetch(work)
            if allocated is not None or book.find((self.strategy_id, "USD")) is not None:
                book.allocate((self.strategy_id, "USD"), allocated)
            await write(work, book.writes())
            for strategy_id, currency in book.changed:
                sql = "INSERT INTO changes (strategy_id, entity, key) VALUES ($1, 'budget', $2)"
                await work.execute(sql, strategy_id, currency)
            await work.commit()
        self.model.allocate(allocated)

    async def state(self, state: str) -> None:
        async with self.database.unit_of_work() as work:
            await set_trading_state(work, LOCAL, UUID(self.strategy_id), TradingState(state))
            await work.commit()
        self.model.state = state

    async def global_state(self, state: str) -> None:
        async with self.database.unit_of_work() as work:
            await set_global_trading_state(work, LOCAL, TradingState(state))
            await work.commit()
        self.model.global_state = state

    async def compare(self) -> None:
        found = await rows(self.database, f"SELECT * FROM budgets WHERE strategy_id = '{self.strategy_id}'")
        assert len(found) == 1
        budget, model = found[0], self.model
        assert budget["allocated"] == model.allocated
        assert budget["reserved_orders"] == model.reserved_orders
        assert budget["reserved_positions"] == model.cost
        assert budget["over_reason"] == model.over_reason
        holds = await rows(
            self.database, f"SELECT client_order_id, remaining FROM holds WHERE strategy_id = '{self.strategy_id}'"
        )
        remaining = {row["client_order_id"]: row["remaining"] for row in holds}
        assert {name: remaining.get(name, 0) for name in model.orders} == {
            name: model.hold_of(name) for name in model.orders
        }

    async def _send(self, kind: str, name: str, **fields: Any) -> None:
        more = {"strategy_id": self.strategy, "instrument_id": self.instrument, "currency": "USD"}
        event = published(kind, self.turn, ts=self._now(), client_order_id=name, **more, **fields)
        event["event_id"] = str(uuid4())
        recorded = await send(self.database, event)
        assert recorded.accepted == 1, recorded

    def _now(self) -> int:
        self._ticks = getattr(self, "_ticks", 0) + 1
        return self.turn * 1000 + self._ticks % 1000


async def _check_history(database: Database, operations: list[tuple[str, Any]]) -> None:
    history = History(database)
    await history.prepare()
    for operation, arguments in operations:
        await history.apply(operation, arguments)
    assert await broken_invariants(database) == []


_FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_MANY = settings(_FEW, max_examples=3000)


@given(operations=st.lists(_OPERATIONS, max_size=20))
@_FEW
async def test_the_ledger_and_the_model_agree(database: Database, operations: list[tuple[str, Any]]) -> None:
    await _check_history(database, operations)


@pytest.mark.long
@given(operations=st.lists(_OPERATIONS, max_size=40))
@_MANY
async def test_the_ledger_and_the_model_agree_over_thousands_of_histories(
    database: Database, operations: list[tuple[str, Any]]
) -> None:
    await _check_history(database, operations)
