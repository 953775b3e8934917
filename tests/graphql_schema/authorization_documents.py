"""A ledger in which orders may leave, and the questions that ask whether they may."""

from collections.abc import Mapping
from typing import Any

from app.rules.identity import strategy_id_of

TRADER, STRATEGY, INSTRUMENT = "TRADER-001", "EMACross-000", "BTCUSDT-PERP.BINANCE"
STRATEGY_ID = strategy_id_of(TRADER, STRATEGY)

# GraphQL merges fields of one name only where their types are the same: `code` and `budget` are not.
RESULT_FIELDS = """
  __typename
  ... on OrderAuthorized {
    order { clientOrderId status quantity price tags strategy { name } hold { amount } }
    budget { currency reserved available version }
    hold { amount remaining currency unitPrice }
  }
  ... on OrderDenied { order { status denyReason } denyCode reason checkedBudget { available } }
  ... on Error { code message }
  ... on InvalidInput { path }
"""
AUTHORIZE_ORDER = (
    f"mutation One($input: AuthorizeOrderInput!) {{ authorizeOrder(input: $input) {{ {RESULT_FIELDS} }} }}"
)
AUTHORIZE_ORDERS = (
    f"mutation Many($inputs: [AuthorizeOrderInput!]!) {{ authorizeOrders(inputs: $inputs) {{ {RESULT_FIELDS} }} }}"
)


def order_input(number: int | str, **changes: Any) -> dict[str, Any]:
    """What a client sends of the order O-number: one unit at 100 unless it is changed."""
    order: Mapping[str, Any] = {
        "strategy": {"name": STRATEGY},
        "clientOrderId": f"O-{number}",
        "instrumentId": INSTRUMENT,
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "1",
        "price": "100",
    }
    return {name: value for name, value in {**order, **changes}.items() if value is not ...}
