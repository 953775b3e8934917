"""GraphQL and REST accept the same currencies, and refuse others with the same message."""

import pytest
from fastapi import FastAPI

from tests.ledger.authorizing import STRATEGY_ID, prepare
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

SET = """mutation ($strategy: StrategyRef!, $currency: String!, $new: Boolean! = false) {
  setBudget(strategy: $strategy, currency: $currency, allocated: 5, newCurrency: $new) {
    ... on BudgetSet { budget { currency } } ... on InvalidInput { code message path } } }"""


@pytest.mark.parametrize("currency", ["usdt", "USTD", "usdx", "foo", "A B", "123"])
async def test_both_apis_refuse_a_mistyped_currency_with_the_same_message(
    own: tuple[FastAPI, Client], currency: str
) -> None:
    app, client = own
    await prepare(app.state.context.database)
    response = await client.http.put(f"/api/budget/{STRATEGY_ID}/{currency}", json={"allocated": 5})
    assert response.status_code == 422, response.text
    given = {"strategy": {"id": STRATEGY_ID}, "currency": currency}
    answer = (await client.query(SET, **given))["setBudget"]
    assert answer == {"code": "BAD_INPUT", "message": response.json()["detail"], "path": ["currency"]}
    assert response.json()["code"] == "BAD_INPUT"
    assert len((await client.query("{ budgets { currency } }"))["budgets"]) == 1


DELETE = """mutation ($strategy: StrategyRef!, $currency: String!) {
  deleteBudget(strategy: $strategy, currency: $currency) {
    ... on BudgetDeleted { currency } ... on Error { code message } } }"""


@pytest.mark.parametrize(
    ("currency", "hint"),
    [
        ("usdt", " Did you mean USDT?"),
        ("USTD", " Did you mean USDT?"),
        ("Usdx", " Did you mean USDT?"),
        *((other, "") for other in ("USDC", "foo", "btc", "BTC", "A B")),
    ],
)
async def test_deleting_a_missing_budget_suggests_the_existing_currency(
    own: tuple[FastAPI, Client], currency: str, hint: str
) -> None:
    app, client = own
    await prepare(app.state.context.database)
    answer = (await client.query(DELETE, strategy={"id": STRATEGY_ID}, currency=currency))["deleteBudget"]
    message = f"Strategy {STRATEGY_ID} has no budget in {currency!r}.{hint}"
    assert answer == {"code": "BUDGET_NOT_FOUND", "message": message}
    response = await client.http.delete(f"/api/budget/{STRATEGY_ID}/{currency}")
    assert (response.status_code, response.json()) == (404, {"detail": message, "code": "BUDGET_NOT_FOUND"})
    assert (await client.query("{ budgets { currency } }"))["budgets"] == [{"currency": "USDT"}]


async def test_both_apis_accept_a_new_currency_only_when_it_is_declared_new(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    await prepare(app.state.context.database)
    address, body = f"/api/budget/{STRATEGY_ID}/USDX?new_currency=", {"allocated": 5}
    for value, status in (("1", 422), ("", 422), ("false", 422), ("true", 200)):
        assert (await client.http.put(f"{address}{value}", json=body)).status_code == status, value
    given = {"strategy": {"id": STRATEGY_ID}, "currency": "USTD", "new": True}
    assert (await client.query(SET, **given))["setBudget"] == {"budget": {"currency": "USTD"}}
