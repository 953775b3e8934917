"""Recording instruments: what is recorded stays, and everything in the instrument follows it."""

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
from app.resolvers.instruments import record_instruments
from app.rules.instruments import InstrumentDefinition
from tests.events import published
from tests.ledger.authorizing import INSTRUMENT, STRATEGY_ID, reserved
from tests.ledger.state import digest_of
from tests.ledger.test_record import rows
from tests.resolvers.acting import ADMIN, BTC, ENGINE, audited, record_events, refused, with_order

pytestmark = pytest.mark.anyio


async def valuation(context: Context) -> list[tuple[Any, ...]]:
    found = await rows(context.database, "SELECT * FROM instruments ORDER BY instrument_id")
    return [tuple(row) for row in found]


def like(**changes: Any) -> InstrumentDefinition:
    values = {name: getattr(BTC, name) for name in BTC.__struct_fields__}
    return InstrumentDefinition(**{**values, **changes})


async def test_records_instruments_once(context: Context) -> None:
    named = like(base_currency="BTC", multiplier=Decimal("0.10"))
    assert await record_instruments(context, ENGINE, [named, named]) == 1
    assert await valuation(context) == [(INSTRUMENT, "BTC", "USDT", "USDT", Decimal("0.10"), False, "RECORDED", None)]
    before = await digest_of(context.database)
    assert await record_instruments(context, ENGINE, [named]) == 1
    assert await record_instruments(context, ENGINE, [like(multiplier=Decimal("0.1"))]) == 1
    assert await digest_of(context.database) == before
    [(actor, action, entity, was, now)] = await audited(context)
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


async def test_what_was_recorded_stays_once_filled_and_names_may_be_filled_in(context: Context) -> None:
    await record_instruments(context, ENGINE, [BTC])
    trade = [published(kind, n) for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 1)]
    await record_events(context, ENGINE, trade)
    other = like(instrument_id="ETHUSDT.BINANCE")
    for change in ({"multiplier": Decimal(10)}, {"settlement_currency": "BTC"}):
        error = await refused(context, InstrumentInUse, record_instruments(context, ADMIN, [other, like(**change)]))
        assert INSTRUMENT in str(error)
    assert await record_instruments(context, ENGINE, [other, like(base_currency="BTC", quote_currency="USD")]) == 2
    assert (INSTRUMENT, "BTC", "USD", "USDT", 1, False, "RECORDED", None) in await valuation(context)


async def test_what_was_assumed_since_its_fills_is_valued_anew_by_a_key_of_all_strategies(context: Context) -> None:
    trade = [published(kind, n) for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 1)]
    await record_events(context, ENGINE, trade)
    ten = like(multiplier=Decimal(10))
    bound = Principal(Role.TRADER, "key:bound", frozenset({UUID(STRATEGY_ID)}))
    await refused(context, Forbidden, record_instruments(context, bound, [ten]))
    await refused(context, Forbidden, record_instruments(context, bound, [BTC]))
    assert await record_instruments(context, ADMIN, [BTC]) == 1, "the same terms, confirmed"
    assert await record_instruments(context, bound, [BTC]) == 1, "nothing new"
    [(source,)] = await rows(context.database, "SELECT source FROM instruments")
    assert (source, await reserved(context.database)) == ("RECORDED", (0, 100))


async def test_a_later_record_revalues_positions_that_were_assumed(context: Context) -> None:
    trade = [published(kind, n) for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 1)]
    await record_events(context, ENGINE, trade)
    assert await record_instruments(context, ENGINE, [like(multiplier=Decimal(10))]) == 1
    assert await reserved(context.database) == (0, 1000)


async def test_only_an_admin_values_a_known_instrument_otherwise_and_its_open_orders_with_it(context: Context) -> None:
    await with_order(context)
    await record_instruments(context, ENGINE, [BTC])
    ten = like(multiplier=Decimal(10))
    await refused(context, Forbidden, record_instruments(context, ENGINE, [ten]))
    assert await record_instruments(context, ADMIN, [ten]) == 1
    assert await reserved(context.database) == (1000, 0)
    was, now = (await audited(context))[-1][3:]
    assert (was["multiplier"], now["multiplier"]) == ("1", "10")
    assert await record_instruments(context, ADMIN, [like(settlement_currency="USDC")]) == 1
    assert await reserved(context.database) == (0, 0)
    assert await reserved(context.database, "USDC") == (100, 0)


async def test_an_order_that_waits_for_its_instrument_holds_once_it_is_known(context: Context) -> None:
    await record_events(context, ENGINE, [published("OrderInitialized", 1, options={"price": "100"})])
    assert await reserved(context.database) == (0, 0)
    await record_instruments(context, ENGINE, [like(multiplier=Decimal(2))])
    assert await reserved(context.database) == (200, 0)


async def test_fills_and_definitions_that_come_at_once_agree(context: Context) -> None:
    async def trade(number: int) -> None:
        kinds = ("OrderInitialized", "OrderSubmitted", "OrderFilled")
        fields = {"client_order_id": "O", "strategy_id": f"S-{number}", "instrument_id": f"I-{number % 12}"}
        await record_events(context, ENGINE, [published(kind, 10 + n, **fields) for n, kind in enumerate(kinds)])

    async def define(number: int) -> None:
        definition = like(instrument_id=f"I-{number}", multiplier=Decimal(10))
        try:
            await record_instruments(context, ADMIN, [definition])
        except InstrumentInUse:
            return

    # Each instrument is defined and traded at once, in strategies that nobody has seen; the invariants see who lost.
    await asyncio.gather(*(act(n) for n in range(12) for act in (trade, define)), *(trade(n) for n in range(12, 24)))
    assert len(await valuation(context)) == 12


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
async def test_an_instrument_that_cannot_be_valued_is_refused(
    context: Context, changes: dict[str, Any], field: str
) -> None:
    good = like(instrument_id="ETHUSDT.BINANCE")
    wrong = await refused(context, InputInvalid, record_instruments(context, ADMIN, [good, like(**changes)]))
    assert isinstance(wrong, InputInvalid)
    assert wrong.path == ("inputs", "1", field)


async def test_one_instrument_given_in_two_ways_or_too_many_are_refused(context: Context) -> None:
    both = [BTC, like(multiplier=Decimal(2))]
    await refused(context, InputInvalid, record_instruments(context, ADMIN, both))
    await refused(context, InputInvalid, record_instruments(context, ADMIN, [BTC] * 1001))
