"""Orders that the engine reported before they were authorized."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.database import Database, WriteConnection
from app.ledger.administration.strategies import set_trading_state
from app.ledger.authorization import authorize as authorize_module
from app.ledger.batch import OrderKey
from app.ledger.commands import Verdict
from app.ledger.folding.orders import load_states
from app.principal import LOCAL
from app.rules.enums import DenyCode, TradingState
from tests.events import published
from tests.ledger.authorizing import STRATEGY_ID, authorize, command, prepare, release, reserved
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows, send

pytestmark = pytest.mark.anyio


def reported(
    n: int, quantity: str = "10", side: str = "SELL", price: str | None = "100", **more: Any
) -> dict[str, Any]:
    """The initialization of O-n by its engine."""
    priced = {"order_type": "MARKET"} if price is None else {"price": Decimal(price)}
    fields = {"client_order_id": f"O-{n}", "order_side": side, "quantity": Decimal(quantity), **priced, **more}
    return published("OrderInitialized", n, **fields)


def bought_after(n: int, quantity: str = "10") -> list[dict[str, Any]]:
    """The submission and the complete fill of O-n at 100."""
    name = {"client_order_id": f"O-{n}"}
    filled = published("OrderFilled", n + 2, last_qty=Decimal(quantity), **name)
    return [published("OrderSubmitted", n + 1, **name), filled]


async def halt(database: Database, state: str = "HALTED") -> None:
    async with database.unit_of_work() as work:
        await set_trading_state(work, LOCAL, UUID(STRATEGY_ID), TradingState(state))
        await work.commit()


async def remaining_holds(database: Database) -> dict[str, Decimal]:
    found = await rows(database, "SELECT client_order_id, remaining FROM holds ORDER BY 1")
    return {row["client_order_id"]: row["remaining"] for row in found}


async def codes_of(database: Database, *commands: Any) -> list[DenyCode | None]:
    answers = await authorize(database, *commands)
    return [answer.deny_code for answer in answers if isinstance(answer, Verdict)]


async def test_the_position_claim_of_a_denied_order_passes_to_later_orders(database: Database) -> None:
    await prepare(database, "5000")
    await send(database, reported(100, side="BUY"), *bought_after(100))
    await send(database, reported(201), reported(202))
    assert await remaining_holds(database) == {"O-100": 0, "O-201": 0, "O-202": 1000}
    await halt(database)
    [newest] = await rows(database, "SELECT max(id) AS id FROM changes")
    assert await codes_of(database, command(201, "SELL", "10")) == [DenyCode.TRADING_HALTED]
    assert await remaining_holds(database) == {"O-100": 0, "O-201": 0, "O-202": 0}
    assert await reserved(database) == (0, 1000)
    changed = await rows(database, f"SELECT key FROM changes WHERE id > {newest['id']} AND entity = 'order'")
    assert {row["key"] for row in changed} == {"O-201", "O-202"}
    assert await broken_invariants(database) == []


async def test_orders_of_one_request_are_decided_by_the_capital_free_at_their_turn(database: Database) -> None:
    """O-201 is denied; so O-202 reduces the position, and its hold is free for O-1."""
    await prepare(database, "1500")
    await send(database, reported(100, side="BUY"), *bought_after(100))
    await send(database, reported(201, "15"), reported(202, "5"))
    assert await remaining_holds(database) == {"O-100": 0, "O-201": 500, "O-202": 500}
    commands = [
        command(0, quantity="1"),
        command(201, "SELL", "15"),
        command(1, quantity="5"),
        command(2, quantity="1"),
    ]
    over, exceeded = DenyCode.BUDGET_OVER, DenyCode.BUDGET_EXCEEDED
    assert await codes_of(database, *commands) == [over, over, None, exceeded]
    assert await reserved(database) == (500, 1000)
    assert await codes_of(database, *commands) == [over, over, None, exceeded]
    assert await broken_invariants(database) == []


async def test_an_order_denied_late_among_many_is_decided_as_alone(database: Database) -> None:
    """The events of more orders are stored while the next orders are decided."""
    await prepare(database, "5000")
    await send(database, reported(100, side="BUY"), *bought_after(100))
    await send(database, reported(201), reported(202))
    await halt(database)
    others = [command(n, quantity="1") for n in range(80)]
    commands = [*others[:40], command(201, "SELL", "10"), *others[40:]]
    assert await codes_of(database, *commands) == [DenyCode.TRADING_HALTED] * 81
    assert await remaining_holds(database) == {"O-100": 0, "O-201": 0, "O-202": 0}
    assert await codes_of(database, *commands) == [DenyCode.TRADING_HALTED] * 81
    assert len(await rows(database, "SELECT FROM order_events WHERE type = 'AuthorizationDenied'")) == 81
    assert await broken_invariants(database) == []


async def test_the_orders_of_a_request_are_not_all_loaded_after_each_late_denial(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request of a thousand would occupy its queue for a quarter of a minute."""
    loaded: list[int] = []

    async def counted(work: WriteConnection, keys: Collection[OrderKey]) -> Any:
        loaded.append(len(keys))
        return await load_states(work, keys)

    monkeypatch.setattr(authorize_module, "load_states", counted)
    await prepare(database, "5000")
    await send(database, *[reported(n, "1") for n in range(100)])
    await halt(database)
    commands = [command(n, "SELL", "1") for n in range(100)]
    assert await codes_of(database, *commands) == [DenyCode.TRADING_HALTED] * 100
    assert sum(loaded) < 5 * 100
    assert await codes_of(database, *commands) == [DenyCode.TRADING_HALTED] * 100
    assert await broken_invariants(database) == []


async def test_a_denied_spawned_order_returns_its_quantity_to_the_primary(database: Database) -> None:
    await prepare(database, "5000")
    twap = {"exec_algorithm_id": "TWAP"}
    await send(database, reported(1, side="BUY", **twap), reported(2, "2", "BUY", exec_spawn_id="O-1", **twap))
    assert await remaining_holds(database) == {"O-1": 800, "O-2": 200}
    await halt(database)
    assert await codes_of(database, command(2, quantity="2")) == [DenyCode.TRADING_HALTED]
    assert await remaining_holds(database) == {"O-1": 1000, "O-2": 0}
    [primary] = await rows(database, "SELECT quantity FROM orders WHERE client_order_id = 'O-1'")
    assert primary["quantity"] == 10
    assert await broken_invariants(database) == []


async def test_a_released_spawned_order_does_not_change_its_primary(database: Database) -> None:
    """The engine returns only the quantity of denied or rejected orders."""
    await prepare(database, "5000")
    twap = {"exec_algorithm_id": "TWAP"}
    await send(database, reported(1, side="BUY", **twap), reported(2, "2", "BUY", exec_spawn_id="O-1", **twap))
    await release(database, 2)
    assert await remaining_holds(database) == {"O-1": 800, "O-2": 0}
    assert await broken_invariants(database) == []


async def test_the_position_claim_of_a_released_order_passes_to_later_orders(database: Database) -> None:
    await prepare(database, "5000")
    await send(database, reported(100, side="BUY"), *bought_after(100))
    await send(database, reported(201), reported(202))
    await release(database, 201)
    assert await remaining_holds(database) == {"O-100": 0, "O-201": 0, "O-202": 0}
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("price", [None, "100"])
async def test_an_order_does_not_count_against_its_own_claim(database: Database, price: str | None) -> None:
    """The order came before any price was known; it reduces the whole position, and later orders none of it."""
    await prepare(database, "1000")
    await send(database, reported(1, "10", price=price))
    await send(database, reported(2, side="BUY"), *bought_after(2))
    await send(database, reported(9, "3", price="1"))
    before = {"O-1": 0, "O-2": 0, "O-9": 3}
    assert await remaining_holds(database) == before
    await halt(database, "REDUCING")
    assert await codes_of(database, command(1, "SELL", "10", price)) == [None]
    assert await remaining_holds(database) == before
    assert await broken_invariants(database) == []


WITHOUT_TRANSITION = ["OrderUpdated", "OrderModifyRejected", "OrderCancelRejected"]


@pytest.mark.parametrize("closed", ["released", "denied"])
@pytest.mark.parametrize("is_quote_quantity", [False, True])
@pytest.mark.parametrize("kind", WITHOUT_TRANSITION)
async def test_a_released_or_denied_order_stays_closed_until_it_is_submitted(
    database: Database, kind: str, closed: str, *, is_quote_quantity: bool
) -> None:
    """The engine may change the order before it is submitted."""
    await prepare(database, "5000")
    await send(database, reported(1, "3", "BUY", quote_quantity=is_quote_quantity))
    await send(database, published(kind, 2, quantity=Decimal(3)))
    await halt(database)
    expected = ("CANCELED", "RELEASED") if closed == "released" else ("DENIED", "DENIED")
    if closed == "released":
        await release(database, 1)
    else:
        codes = await codes_of(database, command(1, quantity="3", quote_quantity=is_quote_quantity))
        assert codes == [DenyCode.TRADING_HALTED]
    assert await states(database) == [expected]
    assert await broken_invariants(database) == []
    for n, later in enumerate(WITHOUT_TRANSITION, 3):
        await send(database, published(later, n, quantity=Decimal(3)))
        assert await states(database) == [expected]
        assert await reserved(database) == (0, 0)
        assert await broken_invariants(database) == []
    await send(database, published("OrderSubmitted", 9))
    assert await states(database) == [("SUBMITTED", "OVERRULED")]
    assert await reserved(database) != (0, 0)
    assert await broken_invariants(database) == []


async def test_an_order_denied_by_the_engine_stays_denied_when_amended(database: Database) -> None:
    await prepare(database, "5000")
    await halt(database)
    await codes_of(database, command(1, quantity="3"))
    await send(database, reported(1, "3", "BUY"), published("OrderDenied", 2))
    await send(database, published("OrderUpdated", 3, account_id=None))
    await send(database, published("OrderSubmitted", 4))
    assert await states(database) == [("DENIED", "DENIED")]
    assert await broken_invariants(database) == []


async def states(database: Database) -> list[tuple[str, str]]:
    found = await rows(database, "SELECT status, authorization_status FROM orders ORDER BY client_order_id")
    return [(row["status"], row["authorization_status"]) for row in found]
