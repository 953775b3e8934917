"""Recording instruments: which terms may change, and how their positions and orders are revalued."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.errors import (
    Forbidden,
    InputInvalid,
    InstrumentInUse,
)
from app.principal import Principal, Role
from app.resolvers import Context
from app.resolvers.events import record_instruments
from app.rules.valuation import InstrumentDefinition
from tests.events import published
from tests.ledger.authorizing import INSTRUMENT, STRATEGY_ID, reserved
from tests.ledger.state import digest_of
from tests.ledger.test_record import rows
from tests.resolvers.scenarios import ADMIN, BTC, ENGINE, audit_entries, prepare_order, record_events, refused

pytestmark = pytest.mark.anyio


async def instrument_rows(context: Context) -> list[tuple[Any, ...]]:
    found = await rows(context.database, "SELECT * FROM instruments ORDER BY instrument_id")
    return [tuple(row) for row in found]


def btc_with(**changes: Any) -> InstrumentDefinition:
    values = {name: getattr(BTC, name) for name in BTC.__struct_fields__}
    return InstrumentDefinition(**{**values, **changes})


async def test_an_instrument_is_recorded_once(context: Context) -> None:
    named = btc_with(base_currency="BTC", multiplier=Decimal("0.10"))
    assert await record_instruments(context, ENGINE, [named, named]) == 1
    assert await instrument_rows(context) == [
        (INSTRUMENT, "BTC", "USDT", "USDT", Decimal("0.10"), False, "RECORDED", None)
    ]
    before = await digest_of(context.database)
    assert await record_instruments(context, ENGINE, [named]) == 1
    assert await record_instruments(context, ENGINE, [btc_with(multiplier=Decimal("0.1"))]) == 1
    assert await digest_of(context.database) == before
    [(actor, action, entity, was, now)] = await audit_entries(context)
    assert (actor, action, entity, was) == ("key:engine", "instrument.record", INSTRUMENT, None)
    assert now == {
        "instrumentId": INSTRUMENT,
        "baseCurrency": "BTC",
        "quoteCurrency": "USDT",
        "settlementCurrency": "USDT",
        "multiplier": "0.10",
        "isInverse": False,
        "kind": None,
    }


async def test_a_filled_instrument_accepts_missing_names_and_no_other_change(context: Context) -> None:
    await record_instruments(context, ENGINE, [BTC])
    trade = [published(kind, n) for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 1)]
    await record_events(context, ENGINE, trade)
    other = btc_with(instrument_id="ETHUSDT.BINANCE")
    for change in ({"multiplier": Decimal(10)}, {"settlement_currency": "BTC"}):
        error = await refused(context, InstrumentInUse, record_instruments(context, ADMIN, [other, btc_with(**change)]))
        assert INSTRUMENT in str(error)
    assert await record_instruments(context, ENGINE, [other, btc_with(base_currency="BTC", quote_currency="USD")]) == 2
    assert (INSTRUMENT, "BTC", "USD", "USDT", 1, False, "RECORDED", None) in await instrument_rows(context)


async def test_only_an_unbound_key_records_an_instrument_with_assumed_terms(context: Context) -> None:
    trade = [published(kind, n) for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 1)]
    await record_events(context, ENGINE, trade)
    ten = btc_with(multiplier=Decimal(10))
    bound = Principal(Role.TRADER, "key:bound", frozenset({UUID(STRATEGY_ID)}))
    await refused(context, Forbidden, record_instruments(context, bound, [ten]))
    await refused(context, Forbidden, record_instruments(context, bound, [BTC]))
    assert await record_instruments(context, ADMIN, [BTC]) == 1, "the same terms, confirmed"
    assert await record_instruments(context, bound, [BTC]) == 1, "nothing new"
    [(source,)] = await rows(context.database, "SELECT source FROM instruments")
    assert (source, await reserved(context.database)) == ("RECORDED", (0, 100))


async def test_recording_an_instrument_revalues_its_assumed_positions(context: Context) -> None:
    trade = [published(kind, n) for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 1)]
    await record_events(context, ENGINE, trade)
    assert await record_instruments(context, ENGINE, [btc_with(multiplier=Decimal(10))]) == 1
    assert await reserved(context.database) == (0, 1000)


async def test_only_an_admin_changes_the_terms_of_an_instrument_with_open_orders(context: Context) -> None:
    await prepare_order(context)
    await record_instruments(context, ENGINE, [BTC])
    ten = btc_with(multiplier=Decimal(10))
    await refused(context, Forbidden, record_instruments(context, ENGINE, [ten]))
    assert await record_instruments(context, ADMIN, [ten]) == 1
    assert await reserved(context.database) == (1000, 0)
    was, now = (await audit_entries(context))[-1][3:]
    assert (was["multiplier"], now["multiplier"]) == ("1", "10")
    assert await record_instruments(context, ADMIN, [btc_with(settlement_currency="USDC")]) == 1
    assert await reserved(context.database) == (0, 0)
    assert await reserved(context.database, "USDC") == (100, 0)


async def test_an_order_reserves_capital_once_its_instrument_is_recorded(context: Context) -> None:
    await record_events(context, ENGINE, [published("OrderInitialized", 1, options={"price": "100"})])
    assert await reserved(context.database) == (0, 0)
    await record_instruments(context, ENGINE, [btc_with(multiplier=Decimal(2))])
    assert await reserved(context.database) == (200, 0)


async def test_concurrent_fills_and_instrument_records_leave_a_consistent_ledger(context: Context) -> None:
    async def trade(number: int) -> None:
        kinds = ("OrderInitialized", "OrderSubmitted", "OrderFilled")
        fields = {"client_order_id": "O", "strategy_id": f"S-{number}", "instrument_id": f"I-{number % 12}"}
        await record_events(context, ENGINE, [published(kind, 10 + n, **fields) for n, kind in enumerate(kinds)])

    async def record_definition(number: int) -> None:
        definition = btc_with(instrument_id=f"I-{number}", multiplier=Decimal(10))
        try:
            await record_instruments(context, ADMIN, [definition])
        except InstrumentInUse:
            return

    # Each instrument is defined and traded concurrently, in strategies that are new; the invariants detect a lost
    # update.
    await asyncio.gather(
        *(operation(n) for n in range(12) for operation in (trade, record_definition)),
        *(trade(n) for n in range(12, 24)),
    )
    assert len(await instrument_rows(context)) == 12


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"instrument_id": ""}, "instrument_id"),
        ({"instrument_id": "a\x00"}, "instrument_id"),
        ({"quote_currency": "US D"}, "quote_currency"),
        ({"settlement_currency": ""}, "settlement_currency"),
        ({"base_currency": "B" * 33}, "base_currency"),
        ({"multiplier": Decimal(0)}, "multiplier"),
        ({"multiplier": Decimal("NaN")}, "multiplier"),
        ({"is_inverse": True}, "settlement_currency"),
        ({"is_inverse": True, "settlement_currency": "BTC", "base_currency": "ETH"}, "settlement_currency"),
        ({"kind": ""}, "kind"),
    ],
)
async def test_an_invalid_instrument_term_is_refused(context: Context, changes: dict[str, Any], field: str) -> None:
    good = btc_with(instrument_id="ETHUSDT.BINANCE")
    wrong = await refused(context, InputInvalid, record_instruments(context, ADMIN, [good, btc_with(**changes)]))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("inputs", "1", field)


async def test_contradictory_or_too_many_instruments_are_refused(context: Context) -> None:
    both = [BTC, btc_with(multiplier=Decimal(2))]
    await refused(context, InputInvalid, record_instruments(context, ADMIN, both))
    await refused(context, InputInvalid, record_instruments(context, ADMIN, [BTC] * 1001))
