"""Currencies in requests: a mistyped one is refused with a suggestion, a new one can be declared."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from app.errors import BudgetNotFound, InputInvalid, PurserError
from app.ledger.commands import Verdict
from app.principal import Principal, Role
from app.resolvers import Context
from app.resolvers.budgets import delete_budget, set_budget
from app.resolvers.events import record_instruments
from app.rules.enums import DenyCode
from tests.events import published
from tests.ledger.authorizing import STRATEGY, allocate, authorize, command
from tests.ledger.state import broken_invariants
from tests.ledger.test_record import rows
from tests.resolvers.scenarios import (
    ADMIN,
    BTC,
    ENGINE,
    prepare_order,
    record_events,
    refused,
    register_sample_strategy,
)

pytestmark = pytest.mark.anyio


async def set_sample_budget(context: Context, currency: str, principal: Principal = ADMIN, **more: bool) -> None:
    await set_budget(context, principal, STRATEGY, currency, Decimal(5), **more)


async def refuse_currency(context: Context, currency: str, **more: bool) -> str:
    """The message for a currency in which no budget can be set. Nothing is changed."""
    wrong = await refused(context, InputInvalid, set_sample_budget(context, currency, **more))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("currency",)
    return str(wrong)


async def test_a_currency_in_another_case_is_refused(context: Context) -> None:
    await prepare_order(context)
    for currency in ("usdt", "Usdt", "uSDT"):
        for is_new in (False, True):
            message = await refuse_currency(context, currency, is_new_currency=is_new)
            assert message == f"{currency!r} is not a known currency. Did you mean USDT?"
    assert (await refuse_currency(context, "usdx", is_new_currency=True)).endswith("Did you mean USDX?")
    assert await refuse_currency(context, "foo") == "'foo' is not a known currency. Did you mean FOO?"


async def test_a_currency_similar_to_a_known_one_is_refused_unless_it_is_well_known(context: Context) -> None:
    await prepare_order(context)
    for currency in ("USTD", "USDTT", "UDT", "USDX"):
        assert (await refuse_currency(context, currency)).startswith(
            f"{currency!r} is not a known currency. Did you mean USDT? To use a new currency, set a budget in it"
        )
    for currency in ("USDC", "USD", "EUR", "BTC", "BTG"):
        await set_sample_budget(context, currency)


async def test_a_new_currency_is_known_after_its_first_budget(context: Context) -> None:
    await prepare_order(context)
    await set_sample_budget(context, "NEWCOIN")
    await set_sample_budget(context, "kBONK")
    await refuse_currency(context, "USDX")
    await set_sample_budget(context, "USDX", is_new_currency=True)
    await set_sample_budget(context, "USDX")
    await record_instruments(context, ENGINE, [replace(BTC, instrument_id="A.B", settlement_currency="USDX")])
    assert (await refuse_currency(context, "kbonk")).endswith("Did you mean kBONK?")
    assert await broken_invariants(context.database) == []


@pytest.mark.parametrize("currency", ["", " ", "US DT", "123", "-A", "A/B", "€", "A\x00", "x" * 33])
async def test_a_malformed_code_is_refused_as_a_new_currency(context: Context, currency: str) -> None:
    await register_sample_strategy(context)
    await refuse_currency(context, currency, is_new_currency=True)


async def test_a_stored_budget_in_a_mistyped_currency_can_be_changed_and_deleted(
    context: Context,
) -> None:
    await prepare_order(context)
    await allocate(context.database, Decimal(7), "usdt")
    await set_sample_budget(context, "usdt")
    await delete_budget(context, ADMIN, STRATEGY, "usdt")
    assert (await refuse_currency(context, "usdt")).endswith("Did you mean USDT?")
    await refused(context, BudgetNotFound, delete_budget(context, ADMIN, STRATEGY, "usdt"))


async def test_a_fill_makes_its_currency_known(context: Context) -> None:
    await prepare_order(context)
    order = {"client_order_id": "O-9", "instrument_id": "X.Y", "strategy_id": STRATEGY}
    trade = {"currency": "USDX", "last_qty": "1", "last_px": "1", "trade_id": "T-9", "order_side": "BUY"}
    events = [
        published("OrderInitialized", 91, **order, quantity=Decimal(1)),
        published("OrderSubmitted", 92, **order),
        published("OrderFilled", 93, **order, **trade),
    ]
    assert (await record_events(context, ENGINE, events)).accepted == 3
    await set_sample_budget(context, "USDX")


@pytest.mark.parametrize(
    ("changes", "path", "meant"),
    [
        ({"settlement_currency": "usdt"}, "settlement_currency", "USDT"),
        ({"settlement_currency": "USTD"}, "settlement_currency", "USDT"),
        ({"quote_currency": "USDTT"}, "quote_currency", "USDT"),
        ({"base_currency": "btc"}, "base_currency", "BTC"),
    ],
)
async def test_a_mistyped_currency_refuses_the_whole_batch_of_instruments(
    context: Context, changes: dict[str, str], path: str, meant: str
) -> None:
    await prepare_order(context)
    wrong = replace(BTC, instrument_id="C.D", **changes)
    recording = record_instruments(context, ENGINE, [replace(BTC, instrument_id="A.B"), wrong])
    error = await refused(context, InputInvalid, recording)
    assert isinstance(error, InputInvalid)
    assert error.path == ("inputs", "1", path)
    assert f"Did you mean {meant}?" in str(error)


async def test_a_base_currency_may_resemble_a_known_currency(context: Context) -> None:
    await prepare_order(context)
    several = [replace(BTC, instrument_id=f"{base}USDT.X", base_currency=base) for base in ("USDX", "BTX", "AB")]
    assert await record_instruments(context, ENGINE, several) == 3
    # As a base currency it is known, so the same code is no longer refused as mistyped.
    await set_sample_budget(context, "USDX")


async def test_an_order_in_an_unknown_instrument_is_refused_in_a_mistyped_currency(context: Context) -> None:
    await prepare_order(context)
    for currency in ("usdt", "USTD"):
        [wrong] = await authorize(context.database, command(2, instrument_id="X.Y", currency=currency))
        assert isinstance(wrong, InputInvalid)
        assert wrong.path == ("currency",)
        assert str(wrong) == f"{STRATEGY} has no budget in {currency!r}. Did you mean USDT?"
    answers = await authorize(
        context.database,
        command(3, instrument_id="X.Y", currency="USDC"),
        command(4, instrument_id="X.Y", currency="USDT"),
    )
    assert [deny_code_of(answer) for answer in answers] == [DenyCode.NO_BUDGET, None]
    names = await rows(context.database, "SELECT client_order_id FROM orders ORDER BY 1")
    assert [row[0] for row in names] == ["O-1", "O-3", "O-4"]


def deny_code_of(answer: Verdict | PurserError) -> DenyCode | None:
    assert isinstance(answer, Verdict), answer
    return answer.deny_code


async def test_a_trader_cannot_set_a_budget_in_a_new_currency(context: Context) -> None:
    await register_sample_strategy(context)
    with pytest.raises(PurserError, match="role admin"):
        await set_sample_budget(context, "USDX", Principal(Role.TRADER, "key:t"), is_new_currency=True)
