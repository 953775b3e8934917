"""Single decisions: granted, denied with a reason, repeated, conflicting, released."""

from decimal import Decimal, localcontext

import pytest

from app.database import Database
from app.errors import AuthorizationConflict, InputInvalid, OrderNotReleasable, StrategyNotFound
from app.event_codec import TS_INIT_MAX
from app.ledger.commands import Verdict
from app.rules.enums import DenyCode
from app.rules.money import EXACT
from tests.events import published
from tests.ledger.authorizing import (
    STRATEGY_ID,
    allocate,
    authorize,
    command,
    prepare,
    release,
    reserved,
    without_repeat_marks,
)
from tests.ledger.state import broken_invariants, digest_of
from tests.ledger.test_record import order, rows, send

pytestmark = pytest.mark.anyio


async def verdict_of(database: Database, *args: object, **more: object) -> Verdict:
    [answer] = await authorize(database, command(*args, **more))  # type: ignore[arg-type]
    assert isinstance(answer, Verdict), answer
    return answer


async def test_orders_are_granted_until_the_budget_is_used_up(database: Database) -> None:
    await prepare(database, "250.00")
    answers = await authorize(database, *(command(n) for n in range(3)))
    assert [answer.deny_code for answer in answers if isinstance(answer, Verdict)] == [
        None,
        None,
        DenyCode.BUDGET_EXCEEDED,
    ]
    last = answers[2]
    assert isinstance(last, Verdict)
    assert last.reason == "BUDGET_EXCEEDED: available=50.00 USDT, required=100 USDT"
    assert await reserved(database) == (Decimal(200), Decimal(0))
    states = await rows(database, "SELECT client_order_id, status, deny_reason FROM orders ORDER BY 1")
    assert [(row["status"], row["deny_reason"]) for row in states] == [
        ("INITIALIZED", None),
        ("INITIALIZED", None),
        ("DENIED", last.reason),
    ]
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("orders", [1, 70, 400])
async def test_a_hold_keeps_all_digits_of_quantity_and_price(database: Database, orders: int) -> None:
    """More digits than Python's decimals have by default. Many orders are written by COPY."""
    await prepare(database, "999999999999")
    quantity, price = "123456.123456789012345678", "1.234567890123"
    answers = await authorize(database, *(command(n, quantity=quantity, price=price) for n in range(orders)))
    assert [answer.deny_code for answer in answers if isinstance(answer, Verdict)] == [None] * orders
    with localcontext(EXACT):
        amount = Decimal(quantity) * Decimal(price)
        assert {row["amount"] for row in await rows(database, "SELECT amount FROM holds")} == {amount}
        assert await reserved(database) == (amount * orders, 0)
    assert await broken_invariants(database) == []


async def test_a_repeated_command_gets_the_same_verdict_and_a_different_one_conflicts(database: Database) -> None:
    await prepare(database, "150")
    first = await authorize(database, command(1), command(2))
    before = await digest_of(database)
    await allocate(database, Decimal(150))
    repeated = await authorize(database, command(1), command(2))
    assert without_repeat_marks(repeated) == without_repeat_marks(first)
    assert [(one.is_repeated, one.decided_at) for one in repeated] == [(True, one.decided_at) for one in first]  # type: ignore[union-attr]
    [conflict] = await authorize(database, command(1, quantity="2"))
    assert isinstance(conflict, AuthorizationConflict)
    assert "different quantity" in str(conflict)
    after = await digest_of(database)
    assert {table for table in after if after[table] != before[table]} <= {"budgets", "budget_journal", "changes"}


@pytest.mark.parametrize(
    ("code", "fields", "numbers"),
    [
        (DenyCode.NO_BUDGET, {"currency": "EUR", "instrument_id": "EURUSD.SIM"}, "required=100 EUR"),
        (DenyCode.UNKNOWN_INSTRUMENT, {"instrument_id": "EURUSD.SIM"}, "quantity=1"),
        (DenyCode.NO_REFERENCE_PRICE, {"price": None}, "value 1"),
        (DenyCode.BUDGET_EXCEEDED, {"quantity": "11"}, "available=1000 USDT, required=1100 USDT"),
    ],
)
async def test_an_order_is_denied_with_code_and_figures(
    database: Database, code: DenyCode, fields: dict[str, object], numbers: str
) -> None:
    await prepare(database)
    verdict = await verdict_of(database, 1, **fields)
    assert verdict.deny_code is code
    assert verdict.reason is not None
    assert verdict.reason.startswith(f"{code}: ")
    assert numbers in verdict.reason
    assert await reserved(database) == (0, 0)
    assert await broken_invariants(database) == []


async def test_a_reduced_budget_grants_only_orders_that_reduce_positions(database: Database) -> None:
    await prepare(database)
    await send(database, *_bought(1, "5"))
    await allocate(database, Decimal(400))
    verdict = await verdict_of(database, 2)
    assert verdict.reason == "BUDGET_OVER: available=-100 USDT, required=100 USDT"
    assert (await verdict_of(database, 3, "SELL", "5")).deny_code is None
    assert (await verdict_of(database, 4, "SELL", "1")).deny_code is DenyCode.BUDGET_OVER
    assert (await verdict_of(database, 5, "SELL", "1", reduce_only=True)).deny_code is None
    [budget] = await rows(database, "SELECT over_reason FROM budgets")
    assert budget["over_reason"] == "CUT"
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("state", ["REDUCING", "HALTED"])
async def test_trading_states_deny_orders(database: Database, state: str) -> None:
    await prepare(database)
    await send(database, *_bought(1, "5"))
    async with database.unit_of_work() as work:
        await work.execute("UPDATE strategies SET state = $1", state)
        await work.commit()
    code = DenyCode.TRADING_HALTED if state == "HALTED" else DenyCode.TRADING_REDUCING
    assert (await verdict_of(database, 2)).deny_code is code
    assert (await verdict_of(database, 3, "SELL", "6")).deny_code is code
    expected = code if state == "HALTED" else None
    assert (await verdict_of(database, 4, "SELL", "5")).deny_code is expected


async def test_a_market_order_is_valued_at_the_last_fill_of_its_instrument(database: Database) -> None:
    await prepare(database, "1000")
    await send(database, *_bought(1, "5"))
    verdict = await verdict_of(database, 2, quantity="6", price=None)
    assert verdict.reason == "BUDGET_EXCEEDED: available=500 USDT, required=600 USDT"
    assert (await verdict_of(database, 3, quantity="6", price=None, reference_price=Decimal(80))).deny_code is None
    assert await reserved(database) == (480, 500)


async def test_a_fill_captures_its_part_of_the_hold_and_the_cancel_voids_the_rest(database: Database) -> None:
    await prepare(database)
    await verdict_of(database, 1, quantity="3")
    await send(
        database,
        published("OrderInitialized", 1, quantity=Decimal(3), price=Decimal(100)),
        published("OrderSubmitted", 2),
        published("OrderAccepted", 3),
        published("OrderFilled", 4, last_px=Decimal(99)),
    )
    assert await reserved(database) == (200, 99)
    await send(database, published("OrderCanceled", 5))
    assert await reserved(database) == (0, 99)
    [hold] = await rows(database, "SELECT * FROM holds")
    assert [hold[name] for name in ("amount", "remaining", "captured", "voided")] == [300, 0, 100, 200]
    journal = await rows(database, "SELECT * FROM budget_journal ORDER BY version")
    assert [(row["reason"], row["reserved_after"]) for row in journal] == [
        ("SET", 0),
        ("AUTHORIZED", 300),
        ("FILLED", 299),
        ("VOIDED", 99),
    ]
    assert await broken_invariants(database) == []


async def test_an_amendment_reprices_the_hold_beyond_the_budget(database: Database) -> None:
    await prepare(database, "300")
    await verdict_of(database, 1)
    await send(database, published("OrderInitialized", 1, price=Decimal(100)), published("OrderSubmitted", 2))
    await send(database, published("OrderUpdated", 3, quantity=Decimal(4), price=Decimal(90)))
    assert await reserved(database) == (360, 0)
    [budget] = await rows(database, "SELECT over_reason FROM budgets")
    assert budget["over_reason"] == "FILL"
    assert await broken_invariants(database) == []


async def test_a_denied_order_stays_denied_unless_the_engine_submits_it(database: Database) -> None:
    await prepare(database, "50")
    denied = await verdict_of(database, 1)
    await send(database, published("OrderInitialized", 1, price=Decimal(100)))
    assert (await order(database))["status"] == "DENIED"
    await send(database, published("OrderDenied", 2, reason="the gate said no"))
    row = await order(database)
    assert (row["status"], row["deny_reason"], row["waiting"]) == ("DENIED", denied.reason, 0)
    await verdict_of(database, 2)
    submitted = {"client_order_id": "O-2"}
    await send(database, published("OrderSubmitted", 11, **submitted), published("OrderAccepted", 12, **submitted))
    [row] = await rows(database, "SELECT * FROM orders WHERE client_order_id = 'O-2'")
    assert (row["status"], row["authorization_status"], row["deny_reason"]) == ("ACCEPTED", "OVERRULED", None)
    assert await reserved(database) == (100, 0)
    assert await broken_invariants(database) == []


async def test_only_an_order_that_was_not_submitted_can_be_released(database: Database) -> None:
    await prepare(database)
    await verdict_of(database, 1)
    assert await release(database, 1) == "USDT"
    assert await release(database, 1) == "USDT"
    assert await reserved(database) == (0, 0)
    assert (await order(database))["status"] == "CANCELED"
    [again] = await authorize(database, command(1))
    assert isinstance(again, AuthorizationConflict)
    await verdict_of(database, 2)
    await send(database, published("OrderSubmitted", 2, client_order_id="O-2"))
    with pytest.raises(OrderNotReleasable, match="SUBMITTED"):
        await release(database, 2)
    assert await reserved(database) == (100, 0)
    assert await broken_invariants(database) == []


async def test_an_order_reported_first_can_be_authorized_until_it_is_submitted(
    database: Database,
) -> None:
    await prepare(database, "150")
    await send(database, published("OrderInitialized", 1, price=Decimal(100)))
    assert await reserved(database) == (100, 0)
    assert (await verdict_of(database, 1)).deny_code is None
    assert await reserved(database) == (100, 0)
    await allocate(database, Decimal(50))
    await send(database, published("OrderInitialized", 2, client_order_id="O-2", price=Decimal(100)))
    assert await reserved(database) == (200, 0)
    assert (await verdict_of(database, 2)).deny_code is DenyCode.BUDGET_OVER
    assert await reserved(database) == (100, 0)
    await send(database, published("OrderInitialized", 3, client_order_id="O-3", price=Decimal(1)))
    await send(database, published("OrderSubmitted", 4, client_order_id="O-3"))
    [conflict] = await authorize(database, command(3, price="1"))
    assert isinstance(conflict, AuthorizationConflict)
    assert await broken_invariants(database) == []


async def test_an_unknown_strategy_and_a_wrong_currency_are_refused(database: Database) -> None:
    await prepare(database)
    [wrong] = await authorize(database, command(1, currency="EUR"))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("currency",)
    async with database.unit_of_work() as work:
        await work.execute("DELETE FROM strategies WHERE strategy_id = $1", STRATEGY_ID)
        await work.commit()
    [unknown] = await authorize(database, command(1))
    assert isinstance(unknown, StrategyNotFound)


async def test_reducing_orders_claim_an_open_position_in_order(database: Database) -> None:
    """The second order may claim what the first one does not need; when the first is closed, the second claims it."""
    await prepare(database)
    await send(database, *_bought(1, "2"))
    first, second, third = await authorize(
        database, command(2, "SELL", "1.5"), command(3, "SELL", "1"), command(4, "SELL", "1", "90")
    )
    assert [answer.deny_code for answer in (first, second, third) if isinstance(answer, Verdict)] == [None] * 3
    assert await reserved(database) == (Decimal("140.0"), 200)
    assert await broken_invariants(database) == []
    await release(database, 2)
    assert await reserved(database) == (0, 200)
    assert await broken_invariants(database) == []


def _bought(n: int, quantity: str) -> list[dict[str, object]]:
    """An order that bought at 100."""
    name, qty = {"client_order_id": f"O-{n}"}, Decimal(quantity)
    return [
        published("OrderInitialized", 100 * n, quantity=qty, price=Decimal(100), **name),
        published("OrderSubmitted", 100 * n + 1, **name),
        published("OrderFilled", 100 * n + 2, last_qty=qty, trade_id=f"T-{n}", **name),
    ]


async def test_an_order_reserves_capital_once_the_settlement_currency_is_known(
    database: Database,
) -> None:
    await prepare(database)
    await send(database, published("OrderInitialized", 1, instrument_id="ETHUSDT.SIM", price=Decimal(100)))
    assert await reserved(database) == (0, 0)
    other = {"client_order_id": "O-2", "strategy_id": "Other-000", "instrument_id": "ETHUSDT.SIM"}
    await send(database, published("OrderInitialized", 2, **other), published("OrderFilled", 3, **other))
    assert await reserved(database) == (100, 0)
    assert await broken_invariants(database) == []


async def test_the_over_reason_stays_when_a_transaction_is_temporarily_within_the_budget(
    database: Database,
) -> None:
    await prepare(database)
    await send(database, *_bought(1, "2"))
    await authorize(database, command(2, "SELL", "2"), command(3, "SELL", "1"))
    await allocate(database, Decimal(150))
    sold = {"client_order_id": "O-3", "order_side": "SELL"}
    await send(database, published("OrderSubmitted", 301, **sold))
    await send(database, published("OrderFilled", 302, **sold))
    # 200 for the filled order are freed first; then 100 more are reserved for the order that may reduce less.
    assert await reserved(database) == (100, 100)
    [budget] = await rows(database, "SELECT over_reason FROM budgets")
    assert budget["over_reason"] == "CUT"
    assert await broken_invariants(database) == []


async def test_a_position_counts_against_the_budget_in_its_settlement_currency(
    database: Database,
) -> None:
    """The fills are in the quote currency."""
    await prepare(database, "250", currency="USDC")
    async with database.unit_of_work() as work:
        columns = "instrument_id, quote_currency, settlement_currency"
        await work.execute(f"INSERT INTO instruments ({columns}) VALUES ('BTCUSD.TEST', 'USD', 'USDC')")
        await work.commit()
    traded = {"instrument_id": "BTCUSD.TEST", "currency": "USD", "position_id": "P-TEST"}
    for n in (1, 2):
        assert (await verdict_of(database, n, instrument_id="BTCUSD.TEST")).deny_code is None
        await send(database, published("OrderSubmitted", 10 * n, client_order_id=f"O-{n}", **traded))
        await send(database, published("OrderFilled", 10 * n + 1, client_order_id=f"O-{n}", **traded))
        assert await reserved(database, "USDC") == (0, 100 * n)
    assert (await verdict_of(database, 3, instrument_id="BTCUSD.TEST")).deny_code is DenyCode.BUDGET_EXCEEDED
    assert await broken_invariants(database) == []


async def test_a_market_order_is_not_valued_at_a_fill_of_another_strategy(database: Database) -> None:
    await prepare(database)
    await send(database, *_bought(1, "5"))
    other = {"client_order_id": "O-X", "strategy_id": "Other-000", "position_id": "P-X"}
    cheap = published("OrderFilled", 12, ts=4 * 10**18, last_px=Decimal("0.00001"), trade_id="T-X", **other)
    await send(database, published("OrderInitialized", 10, **other), published("OrderSubmitted", 11, **other), cheap)
    verdict = await verdict_of(database, 2, quantity="6", price=None)
    assert verdict.reason == "BUDGET_EXCEEDED: available=500 USDT, required=600 USDT"


@pytest.mark.parametrize("before", ["granted", "denied", "released"])
async def test_a_filled_order_cannot_be_released(database: Database, before: str) -> None:
    await prepare(database, "1000" if before != "denied" else "10")
    await verdict_of(database, 1)
    if before == "released":
        assert await release(database, 1) == "USDT"
    await send(database, published("OrderFilled", 9, last_qty=Decimal("0.4")))
    before_release = await reserved(database)
    for _ in range(2):
        with pytest.raises(OrderNotReleasable, match="was filled"):
            await release(database, 1)
    assert await reserved(database) == before_release
    assert await broken_invariants(database) == []


async def test_a_released_order_that_was_submitted_is_not_granted_again(database: Database) -> None:
    await prepare(database)
    await verdict_of(database, 1)
    await release(database, 1)
    await send(database, published("OrderSubmitted", 9))
    [conflict] = await authorize(database, command(1))
    assert isinstance(conflict, AuthorizationConflict)
    with pytest.raises(OrderNotReleasable):
        await release(database, 1)


async def test_an_order_at_the_last_instant_does_not_block_later_orders(database: Database) -> None:
    await prepare(database)
    await send(database, *_bought(1, "5"))
    await send(
        database,
        published(
            "OrderInitialized", 50, ts=TS_INIT_MAX, client_order_id="O-50", order_side="SELL", options={"price": "100"}
        ),
    )
    verdicts = [await verdict_of(database, n, "SELL", "1") for n in (2, 3)]
    assert [verdict.deny_code for verdict in verdicts] == [None, None]
    turns = await rows(database, "SELECT client_order_id FROM orders WHERE side = 'SELL' ORDER BY ts_init")
    assert [row["client_order_id"] for row in turns] == ["O-50", "O-2", "O-3"], "newcomers claim what is left"
    assert await broken_invariants(database) == []


async def test_every_order_with_a_changed_hold_is_in_the_feed(database: Database) -> None:
    await prepare(database)
    await send(database, *_bought(1, "1"))
    await verdict_of(database, 2, "SELL", "1")
    await verdict_of(database, 3, "SELL", "1")
    assert await reserved(database) == (Decimal(100), Decimal(100))  # O-2 claims the position, so O-3 reserves
    [newest] = await rows(database, "SELECT max(id) AS id FROM changes")
    await release(database, 2)
    changes = await rows(
        database, f"SELECT key FROM changes WHERE id > {newest['id']} AND entity = 'order' ORDER BY key"
    )
    assert [row["key"] for row in changes] == ["O-2", "O-3"]
    assert await reserved(database) == (Decimal(0), Decimal(100))
