"""Invalid commands are refused with the path of the invalid field."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from app.errors import InputInvalid
from app.ledger.commands import AuthorizeOrder, checked
from app.rules.enums import PRICES, OrderSide, OrderType, TimeInForce

LIMIT = AuthorizeOrder(
    strategy="EMACross-000",
    client_order_id="O-1",
    instrument_id="BTCUSDT.BINANCE",
    side=OrderSide.BUY,
    order_type=OrderType.LIMIT,
    quantity=Decimal("0.5"),
    price=Decimal(100),
)
"""A valid order."""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"strategy": UUID(int=0)},
        {"client_order_id": "é" * 256},
        {"quantity": Decimal("1e-30")},
        {"quantity": Decimal("9" * 30)},
        {"reference_price": Decimal(1)},
        {"currency": "USDT", "tags": ["", "é", "x" * 16_384]},
        {"order_type": OrderType.MARKET, "price": None},
        {"order_type": OrderType.STOP_LIMIT, "trigger_price": Decimal(1)},
        {"order_type": OrderType.TRAILING_STOP_LIMIT},
        {"order_type": OrderType.TRAILING_STOP_LIMIT, "price": None, "trigger_price": Decimal(1)},
    ],
)
def test_a_valid_command_is_accepted(changes: dict[str, Any]) -> None:
    command = replace(LIMIT, **changes)
    assert checked(command) is command


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"strategy": ""}, ("strategy", "name")),
        ({"strategy": "x" * 257}, ("strategy", "name")),
        ({"client_order_id": ""}, ("client_order_id",)),
        ({"client_order_id": "a\x00"}, ("client_order_id",)),
        ({"client_order_id": "\ud800"}, ("client_order_id",)),
        ({"instrument_id": "x" * 257}, ("instrument_id",)),
        *(({"quantity": Decimal(wrong)}, ("quantity",)) for wrong in ("0", "-1", "NaN", "Infinity", "1e30", "1e-31")),
        *(({"price": Decimal(wrong)}, ("price",)) for wrong in ("0", "-0.01", "NaN", "-Infinity", "1e999999")),
        ({"reference_price": Decimal(0)}, ("reference_price",)),
        ({"currency": ""}, ("currency",)),
        ({"currency": "US DT"}, ("currency",)),
        ({"currency": "U\n"}, ("currency",)),
        ({"currency": "x" * 33}, ("currency",)),
        ({"tags": ["a", "b\x00"]}, ("tags", "1")),
        ({"tags": ["x" * 16_385]}, ("tags", "0")),
        ({"tags": ["x"] * 101}, ("tags",)),
        ({"price": None}, ("price",)),
        ({"trigger_price": Decimal(1)}, ("trigger_price",)),
        ({"order_type": OrderType.MARKET}, ("price",)),
        ({"order_type": OrderType.STOP_MARKET, "price": None}, ("trigger_price",)),
        ({"order_type": OrderType.TRAILING_STOP_MARKET}, ("price",)),
        ({"side": OrderSide.NO_ORDER_SIDE}, ("side",)),
        ({"order_type": OrderType.UNKNOWN}, ("order_type",)),
        ({"time_in_force": TimeInForce.UNKNOWN}, ("time_in_force",)),
    ],
)
def test_an_invalid_command_is_refused_with_the_path(changes: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(InputInvalid) as refused:
        checked(replace(LIMIT, **changes))
    assert refused.value.path == path


def test_every_order_type_has_price_rules() -> None:
    assert PRICES.keys() == set(OrderType)
