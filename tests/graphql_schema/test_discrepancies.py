"""Discrepancies over GraphQL: each leads to its position, and goes once the instrument is recorded."""

from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI

from tests.graphql_schema.authorization_documents import STRATEGY_ID
from tests.ledger.assumptions import ASSUMED, events_with_assumptions
from tests.ledger.state import record
from tests.ledger.test_valuation import INVERSE, REPORTS, define_instruments, lines, report
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

DISCREPANCIES = """query ($kind: DiscrepancyKind) { discrepancies(filter: {kind: $kind}) { nodes {
  eventId kind positionId ledgerValue engineValue
  position { positionId instrumentId signedQty valuation reconciliation } } } }"""
JOURNAL = """query ($id: UUID!, $currency: String!) {
  budget(strategyId: $id, currency: $currency) {
    journal(first: 1) { nodes { reason clientOrderId reservedAfter } } } }"""


async def discrepancies(client: Client, kind: str | None = None) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await client.query(DISCREPANCIES, kind=kind))["discrepancies"]["nodes"]
    return nodes


async def test_a_discrepancy_has_its_position_until_the_instrument_is_recorded(
    own: tuple[FastAPI, Client],
) -> None:
    app, client = own
    database = app.state.context.database
    await record(database, lines(*events_with_assumptions()))
    nodes = await discrepancies(client)
    assert [node["eventId"] for node in nodes] == [one["event_id"] for one in reversed(REPORTS)]
    position = {"positionId": "P-1", "instrumentId": ASSUMED, "signedQty": "400"}
    for node in nodes:
        assert (node["kind"], node["ledgerValue"], node["engineValue"]) == ("CURRENCY", "USD", "BTC")
        assert node["position"] == {**position, "valuation": "ASSUMED", "reconciliation": "DIFFERS"}
    await define_instruments(database, INVERSE)
    assert await discrepancies(client) == []


async def test_a_report_without_a_fill_has_no_position(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    database = app.state.context.database
    await define_instruments(database, INVERSE)
    stray = report("PositionChanged", 3, 9, quantity="1", avg_px_open=10000.0, realized_pnl="0.00000000 BTC")
    await record(database, lines(*events_with_assumptions(), stray))
    (node,) = await discrepancies(client)
    assert (node["eventId"], node["kind"], node["position"]) == (stray["event_id"], "FILL_MISSING", None)
    assert await discrepancies(client, "QUANTITY") == []


async def test_a_revaluation_is_in_the_journal_without_an_order(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    database = app.state.context.database
    await record(database, lines(*events_with_assumptions()))
    for currency in ("USD", "BTC"):
        await client.query(
            """mutation ($id: UUID!, $currency: String!) {
              setBudget(strategy: {id: $id}, currency: $currency, allocated: 9) { __typename } }""",
            **{"id": str(STRATEGY_ID), "currency": currency},
        )
    await define_instruments(database, INVERSE)
    for currency, reserved in (("USD", "0"), ("BTC", "0.04")):
        answer = await client.query(JOURNAL, id=str(STRATEGY_ID), currency=currency)
        (entry,) = answer["budget"]["journal"]["nodes"]
        assert (entry["reason"], entry["clientOrderId"]) == ("REVALUED", None)
        assert Decimal(entry["reservedAfter"]) == Decimal(reserved)
