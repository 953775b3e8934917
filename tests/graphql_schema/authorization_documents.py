"""Mutations that authorize orders, and their input, for a ledger with one strategy and its budget."""

from collections.abc import Mapping
from typing import Any

from app.rules.identity import strategy_id_of

TRADER, STRATEGY, INSTRUMENT = "TRADER-001", "EMACross-000", "BTCUSDT-PERP.BINANCE"
STRATEGY_ID = strategy_id_of(TRADER, STRATEGY)

# GraphQL merges fields of one name only if their types are equal; those of `code` and `budget` differ.
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
    """The input that authorizes O-`number`: one unit at 100 by default. `...` omits a field."""
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
