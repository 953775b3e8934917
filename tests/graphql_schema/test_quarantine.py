"""Quarantine over GraphQL: what waits is looked at, found by its strategy, order and code, and resolved."""

import re
from typing import Any

import pytest
from fastapi import FastAPI

from tests.events import event_id, published
from tests.graphql_schema.authorization_documents import STRATEGY, STRATEGY_ID
from tests.graphql_schema.test_documented_queries import EXAMPLES
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

RECORD = "mutation ($events: [JSON!]!) { recordEvents(events: $events) { quarantined } }"
EVENT = "eventId variant type applied quarantineCode quarantineReason resolution resolutionReason resolvedBy"
WAITING = f"""query ($filter: QuarantineFilter) {{
  quarantinedEvents(filter: $filter) {{ totalCount nodes {{ {EVENT} strategyId clientOrderId payload }} }} }}"""
RESOLVE = f"""mutation ($input: ResolveQuarantineInput!) {{ resolveQuarantine(input: $input) {{ __typename
  ... on QuarantineResolved {{ isRepeated decidedAt event {{ {EVENT} }} order {{ status filledQty }} }}
  ... on Error {{ code message }} ... on InvalidInput {{ path }} }} }}"""


@pytest.fixture
async def client(own: tuple[FastAPI, Client]) -> Client:
    """An order with a fill that was reported twice, in two ways, and events of an order that nobody knows."""
    _, client = own
    events = [published("OrderInitialized", 1, quantity=3), published("OrderSubmitted", 2)]
    events += [published("OrderFilled", n, trade_id="T", last_qty=n - 2) for n in (3, 4)]
    events += [published("OrderAccepted", 5, client_order_id="O-2"), events[0] | {"quantity": "9"}]
    assert (await client.query(RECORD, events=events))["recordEvents"] == {"quarantined": 3}
    return client


def resolution(n: int, action: str, **changes: Any) -> dict[str, Any]:
    given = {"strategy": {"name": STRATEGY}, "eventId": event_id(n), "action": action, "reason": "told by phone"}
    return {"input": given | changes}


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        (None, [5, 4, 1]),
        ({"code": {"eq": "REPEATED_TRADE"}}, [4]),
        ({"code": {"in": ["ORDER_UNKNOWN", "CONFLICTING_CONTENT"]}}, [5, 1]),
        ({"clientOrderId": {"eq": "O-2"}}, [5]),
        ({"strategyId": {"eq": str(STRATEGY_ID)}, "tsEvent": {"gte": "1970-01-01T00:00:04Z"}}, [5, 4]),
        ({"code": {"eq": "DISMISSED"}}, []),
    ],
)
async def test_quarantined_events_are_filtered(client: Client, filter: Any, found: list[int]) -> None:
    answer = (await client.query(WAITING, filter=filter))["quarantinedEvents"]
    assert [node["eventId"] for node in answer["nodes"]] == [event_id(n) for n in found]
    assert answer["totalCount"] == len(found)


async def test_a_quarantined_event_shows_its_reason(client: Client) -> None:
    (node,) = (await client.query(WAITING, filter={"code": {"eq": "REPEATED_TRADE"}}))["quarantinedEvents"]["nodes"]
    assert node.pop("payload")["last_qty"] == 2
    reason = f"trade T was recorded before, by event {event_id(3)}, with another last_qty"
    assert node == {
        **{"eventId": event_id(4), "variant": 0, "type": "OrderFilled", "applied": False},
        "quarantineCode": "REPEATED_TRADE",
        "quarantineReason": f"REPEATED_TRADE: {reason}",
        **dict.fromkeys(("resolution", "resolutionReason", "resolvedBy")),
        **{"strategyId": str(STRATEGY_ID), "clientOrderId": "O-1"},
    }


async def test_an_accepted_event_is_applied_to_its_order(client: Client) -> None:
    decided = []
    for is_repeated in (False, True):
        answer = (await client.query(RESOLVE, **resolution(4, "ACCEPT")))["resolveQuarantine"]
        assert answer["isRepeated"] is is_repeated
        decided.append(answer["decidedAt"])
        assert answer["__typename"] == "QuarantineResolved"
        assert answer["order"] == {"status": "FILLED", "filledQty": "3"}
        event = answer["event"]
        assert (event["applied"], event["quarantineCode"], event["resolution"]) == (True, None, "ACCEPT")
        assert (event["resolutionReason"], event["resolvedBy"]) == ("told by phone", "local")
    assert decided[0] == decided[1]
    answer = (await client.query(RESOLVE, **resolution(4, "DISMISS")))["resolveQuarantine"]
    assert (answer["__typename"], answer["code"]) == ("Conflict", "EVENT_NOT_RESOLVABLE")


async def test_a_dismissed_event_leaves_its_order_unknown(client: Client) -> None:
    answer = (await client.query(RESOLVE, **resolution(5, "DISMISS")))["resolveQuarantine"]
    assert answer["order"] is None
    event = answer["event"]
    assert (event["applied"], event["quarantineReason"]) == (False, "DISMISSED: local: told by phone")
    (node,) = (await client.query(WAITING, filter={"code": {"eq": "DISMISSED"}}))["quarantinedEvents"]["nodes"]
    assert (node["eventId"], node["resolution"]) == (event_id(5), "DISMISS")


@pytest.mark.parametrize(
    ("n", "changes", "typename", "code"),
    [
        (1, {"variant": 1}, "Conflict", "EVENT_NOT_RESOLVABLE"),
        (3, {}, "Conflict", "EVENT_NOT_RESOLVABLE"),
        (9, {}, "NotFound", "EVENT_NOT_FOUND"),
        (4, {"strategy": {"name": "nobody"}}, "NotFound", "STRATEGY_NOT_FOUND"),
        (4, {"reason": " "}, "InvalidInput", "BAD_INPUT"),
        (4, {"variant": -1}, "InvalidInput", "BAD_INPUT"),
    ],
)
async def test_an_unresolvable_event_is_refused_with_a_code(
    client: Client, n: int, changes: dict[str, Any], typename: str, code: str
) -> None:
    answer = (await client.query(RESOLVE, **resolution(n, "ACCEPT", **changes)))["resolveQuarantine"]
    assert (answer["__typename"], answer["code"]) == (typename, code)
    if typename == "InvalidInput":
        assert answer["path"] == ["input", next(iter(changes))]
    assert (await client.query("{ auditLog { totalCount } }"))["auditLog"] == {"totalCount": 0}


async def test_the_documented_queries_show_and_resolve_an_event(client: Client) -> None:
    (query,) = (example for example in EXAMPLES if "quarantinedEvents(" in example)
    (resolve,) = (example for example in EXAMPLES if "resolveQuarantine(" in example)
    found = await client.query(query)
    assert [node["eventId"] for node in found["quarantinedEvents"]["nodes"]] == [event_id(4)]
    assert found["discrepancies"] == {"totalCount": 0, "nodes": []}
    answer = await client.query(re.sub('eventId: ".*?"', f'eventId: "{event_id(4)}"', resolve))
    assert answer["resolveQuarantine"] == {
        "__typename": "QuarantineResolved",
        "order": {"status": "FILLED", "filledQty": "3", "overfillQty": "0"},
        "event": {"applied": True, "resolution": "ACCEPT"},
    }
