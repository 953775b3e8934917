"""The question about an order agrees with the OrderInitialized that is reported, whichever comes first."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide, TimeInForce, TrailingOffsetType, TriggerType
from nautilus_trader.model.identifiers import StrategyId, TraderId
from nautilus_trader.model.orders import Order

from purser_nautilus.gating.conversation import Answer, Talk, converse
from purser_nautilus.gating.questions import market_price, question_of
from purser_nautilus.reporting.messages import encode
from tests.clients.nautilus.backtests import ETH
from tests.clients.nautilus.ledger import orders_of
from tests.clients.nautilus.script import random_quotes
from tests.clients.nautilus.service import Service

TRADER, STRATEGY = "ASK-001", "Asker-001"


@pytest.fixture
def cache() -> Cache:
    cache = Cache()
    cache.add_instrument(ETH)
    cache.add_quote_tick(random_quotes(ETH, 1, 2_000, 1)[0])
    return cache


@pytest.fixture
def orders() -> list[Order]:
    """An order of each kind."""
    f = OrderFactory(trader_id=TraderId(TRADER), strategy_id=StrategyId(STRATEGY), clock=TestClock())
    market = (ETH.id, OrderSide.BUY, ETH.make_qty(1))
    low, high = ETH.make_price(1_900), ETH.make_price(2_100)
    trailing = {"trailing_offset": Decimal(5), "trailing_offset_type": TrailingOffsetType.PRICE}
    return [
        f.market(*market),
        f.market(*market, time_in_force=TimeInForce.IOC, reduce_only=True, tags=["exit", "now"]),
        f.market(ETH.id, OrderSide.SELL, ETH.make_qty(2_000), quote_quantity=True),
        f.limit(*market, low, post_only=True),
        f.limit(*market, low, display_qty=ETH.make_qty("0.5"), emulation_trigger=TriggerType.BID_ASK),
        f.stop_market(*market, high),
        f.stop_limit(*market, high, low),
        f.market_to_limit(*market),
        f.market_if_touched(*market, low),
        f.limit_if_touched(*market, low, low),
        f.trailing_stop_market(*market, trigger_price=high, **trailing),
        f.trailing_stop_market(*market, activation_price=low, **trailing),
        f.trailing_stop_limit(*market, price=high, trigger_price=high, limit_offset=Decimal(1), **trailing),
        *f.bracket(*market, sl_trigger_price=low, tp_price=high).orders,
    ]


def ask(service: Service, cache: Cache, orders: Sequence[Order]) -> list[Answer]:
    return converse(Talk(TRADER, cache).ask(orders), service.client)


def terms_of(service: Service) -> dict[str, tuple[Any, ...]]:
    """The terms of the ledger's orders; amounts by value, because 1 and 1.000 are equal."""
    names = ("status", "side", "type", "authorizationStatus", "isQuoteQuantity")
    return {
        client_order_id: (Decimal(order["quantity"]), *(order[name] for name in names))
        for client_order_id, order in orders_of(service).items()
    }


def test_orders_that_were_reported_before_are_granted(service: Service, cache: Cache, orders: list[Order]) -> None:
    service.set_budget(TRADER, STRATEGY, Decimal(1_000_000))
    for order in orders:
        recorded = service.client.record([encode(ETH), encode(order.init_event)])
        assert (recorded.accepted, recorded.rejected) == (2, [])
        assert ask(service, cache, [order]) == [Answer(True)], order
    assert {order["authorizationStatus"] for order in orders_of(service).values()} == {"GRANTED"}


def test_orders_that_are_reported_afterwards_stay_granted(service: Service, cache: Cache, orders: list[Order]) -> None:
    service.set_budget(TRADER, STRATEGY, Decimal(1_000_000))
    assert {answer.is_granted for answer in ask(service, cache, orders)} == {True}
    asked = terms_of(service)
    recorded = service.client.record([encode(order.init_event) for order in orders])
    assert (recorded.accepted, recorded.quarantined, recorded.rejected) == (len(orders), 0, [])
    assert terms_of(service) == asked


def test_an_order_that_another_process_asked_for_keeps_its_grant(
    service: Service, cache: Cache, orders: list[Order]
) -> None:
    service.set_budget(TRADER, STRATEGY, Decimal(1_000_000))
    assert ask(service, cache, orders[:1])[0].is_granted
    cache.add_quote_tick(random_quotes(ETH, 2, 2_500, 1)[0])  # with another reference price
    assert ask(service, cache, orders[:1])[0].is_granted


def test_a_market_order_is_valued_at_the_price_it_would_meet(cache: Cache, orders: list[Order]) -> None:
    quote = cache.quote_tick(ETH.id)
    assert market_price(cache, ETH.id, OrderSide.BUY) == quote.ask_price.as_decimal()
    assert market_price(cache, ETH.id, OrderSide.SELL) == quote.bid_price.as_decimal()
    assert market_price(Cache(), ETH.id, OrderSide.BUY) is None
    priced = [question_of(order, uuid4(), cache) for order in orders]
    references = [one.reference_price for one in priced if one.price is None and one.trigger_price is None]
    assert None not in references
    assert [one.reference_price for one in priced if one.price or one.trigger_price] == [None] * (
        len(priced) - len(references)
    )
