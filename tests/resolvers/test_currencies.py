"""Currencies that an act names: a slip is refused with the one that was meant, a new one is possible."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from app.errors import BudgetNotFound, InputInvalid, PurserError
from app.ledger.commands import Verdict
from app.principal import Principal, Role
from app.resolvers import Context
from app.resolvers.budgets import delete_budget, set_budget
from app.resolvers.instruments import record_instruments
from app.rules.enums import DenyCode
from tests.events import published
from tests.ledger.authorizing import STRATEGY, allocate, ask, command
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows
from tests.resolvers.acting import ADMIN, BTC, ENGINE, record_events, refused, registered, with_order

pytestmark = pytest.mark.anyio


async def budget(context: Context, currency: str, principal: Principal = ADMIN, **more: bool) -> None:
    await set_budget(context, principal, STRATEGY, currency, Decimal(5), **more)


async def slip(context: Context, currency: str, **more: bool) -> str:
    """What is said of a currency in which no budget is set; nothing changed."""
    wrong = await refused(context, InputInvalid, budget(context, currency, **more))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("currency",)
    return str(wrong)


async def test_another_case_makes_no_second_budget(context: Context) -> None:
    await with_order(context)
    for currency in ("usdt", "Usdt", "uSDT"):
        for is_new in (False, True):
            told = await slip(context, currency, is_new_currency=is_new)
            assert told == f"{currency!r} is not a known currency. Did you mean USDT?"
    assert (await slip(context, "usdx", is_new_currency=True)).endswith("Did you mean USDX?")
    assert await slip(context, "foo") == "'foo' is not a known currency. Did you mean FOO?"


async def test_a_slip_is_refused_and_what_is_well_known_is_none(context: Context) -> None:
    await with_order(context)
    for currency in ("USTD", "USDTT", "UDT", "USDX"):
        assert (await slip(context, currency)).startswith(
            f"{currency!r} is not a known currency. Did you mean USDT? To use a new currency, set a budget in it"
        )
    for currency in ("USDC", "USD", "EUR", "BTC", "BTG"):
        await budget(context, currency)


async def test_a_new_currency_is_taken_and_known_from_then_on(context: Context) -> None:
    await with_order(context)
    await budget(context, "NEWCOIN")
    await budget(context, "kBONK")
    await slip(context, "USDX")
    await budget(context, "USDX", is_new_currency=True)
    await budget(context, "USDX")
    await record_instruments(context, ENGINE, [replace(BTC, instrument_id="A.B", settlement_currency="USDX")])
    assert (await slip(context, "kbonk")).endswith("Did you mean kBONK?")
    assert await broken_invariants(context.database) == []


@pytest.mark.parametrize("currency", ["", " ", "US DT", "123", "-A", "A/B", "€", "A\x00", "x" * 33])
async def test_what_is_no_code_is_no_currency(context: Context, currency: str) -> None:
    await registered(context)
    await slip(context, currency, is_new_currency=True)


async def test_a_budget_that_a_slip_made_before_can_be_set_to_nothing_and_is_forgotten_once_it_is_gone(
    context: Context,
) -> None:
    await with_order(context)
    await allocate(context.database, Decimal(7), "usdt")
    await budget(context, "usdt")
    await delete_budget(context, ADMIN, STRATEGY, "usdt")
    assert (await slip(context, "usdt")).endswith("Did you mean USDT?")
    await refused(context, BudgetNotFound, delete_budget(context, ADMIN, STRATEGY, "usdt"))


async def test_what_an_engine_reports_is_a_fact_and_makes_its_currency_known(context: Context) -> None:
    await with_order(context)
    order = {"client_order_id": "O-9", "instrument_id": "X.Y", "strategy_id": STRATEGY}
    trade = {"currency": "USDX", "last_qty": "1", "last_px": "1", "trade_id": "T-9", "order_side": "BUY"}
    events = [
        published("OrderInitialized", 91, **order, quantity=Decimal(1)),
        published("OrderSubmitted", 92, **order),
        published("OrderFilled", 93, **order, **trade),
    ]
    assert (await record_events(context, ENGINE, events)).accepted == 3
    await budget(context, "USDX")


@pytest.mark.parametrize(
    ("changes", "path", "meant"),
    [
        ({"settlement_currency": "usdt"}, "settlement_currency", "USDT"),
        ({"settlement_currency": "USTD"}, "settlement_currency", "USDT"),
        ({"quote_currency": "USDTT"}, "quote_currency", "USDT"),
        ({"base_currency": "btc"}, "base_currency", "BTC"),
    ],
)
async def test_an_instrument_in_a_mistyped_currency_is_refused_and_all_others_with_it(
    context: Context, changes: dict[str, str], path: str, meant: str
) -> None:
    await with_order(context)
    wrong = replace(BTC, instrument_id="C.D", **changes)
    recording = record_instruments(context, ENGINE, [replace(BTC, instrument_id="A.B"), wrong])
    error = await refused(context, InputInvalid, recording)
    assert isinstance(error, InputInvalid)
    assert error.path == ("inputs", "1", path)
    assert f"Did you mean {meant}?" in str(error)


async def test_an_instrument_may_trade_what_is_near_to_a_currency(context: Context) -> None:
    await with_order(context)
    several = [replace(BTC, instrument_id=f"{base}USDT.X", base_currency=base) for base in ("USDX", "BTX", "AB")]
    assert await record_instruments(context, ENGINE, several) == 3
    # As a base it is known, and then no slip any more.
    await budget(context, "USDX")


async def test_an_order_in_an_unknown_instrument_names_a_budget_that_there_is(context: Context) -> None:
    await with_order(context)
    for currency in ("usdt", "USTD"):
        [wrong] = await ask(context.database, command(2, instrument_id="X.Y", currency=currency))
        assert isinstance(wrong, InputInvalid)
        assert wrong.path == ("currency",)
        assert str(wrong) == f"{STRATEGY} has no budget in {currency!r}. Did you mean USDT?"
    answers = await ask(
        context.database,
        command(3, instrument_id="X.Y", currency="USDC"),
        command(4, instrument_id="X.Y", currency="USDT"),
    )
    assert [told(answer) for answer in answers] == [DenyCode.NO_BUDGET, None]
    names = await rows(context.database, "SELECT client_order_id FROM orders ORDER BY 1")
    assert [row[0] for row in names] == ["O-1", "O-3", "O-4"]


def told(answer: Verdict | PurserError) -> DenyCode | None:
    assert isinstance(answer, Verdict), answer
    return answer.deny_code


async def test_a_trader_makes_no_currency_known_by_a_budget(context: Context) -> None:
    await registered(context)
    with pytest.raises(PurserError, match="role admin"):
        await budget(context, "USDX", Principal(Role.TRADER, "key:t"), is_new_currency=True)
