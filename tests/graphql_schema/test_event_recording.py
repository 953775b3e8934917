"""Events over GraphQL: stored as they were sent, whichever way the request goes."""

import gzip
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.engines.test_nautilus_instruments import crypto_derivative, message_of
from tests.events import event_id, published
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

RECORDING = Path(__file__).parents[1] / "data" / "dev_crypto.events.jsonl.gz"
OUTCOME = "accepted duplicates quarantined rejected { index eventId code message }"
RECORD = f"mutation ($events: [JSON!]!) {{ recordEvents(events: $events) {{ {OUTCOME} }} }}"
PAYLOADS = "{ orders { nodes { events { nodes { payload } } } } quarantinedEvents { nodes { payload } } }"


async def post(client: Client, body: bytes) -> Any:
    """The answer to a body as it is written here, digits and all."""
    headers = {"content-type": "application/json"}
    response = await client.http.post("/graphql", content=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


def body_with(events: str) -> bytes:
    return f'{{"query": {json.dumps(RECORD)}, "variables": {{"events": {events}}}}}'.encode()


async def test_valid_events_are_recorded_and_invalid_ones_rejected_by_index(own: tuple[FastAPI, Client]) -> None:
    _, client = own
    first, late = published("OrderInitialized", 1), published("OrderFilled", 3, client_order_id="O-2")
    events = [first, {"type": "AccountState", "event_id": event_id(9)}, 7, [], late, first, {"type": "Nonsense"}]
    recorded = (await client.query(RECORD, events=events))["recordEvents"]
    assert (recorded["accepted"], recorded["duplicates"], recorded["quarantined"]) == (1, 1, 1)
    assert [(one["index"], one["eventId"], one["code"]) for one in recorded["rejected"]] == [
        (1, event_id(9), "NOT_A_LEDGER_EVENT"),
        (2, None, "INVALID_EVENT"),
        (3, None, "INVALID_EVENT"),
        (6, None, "UNKNOWN_EVENT_TYPE"),
    ]
    again = (await client.query(RECORD, events=[first, late]))["recordEvents"]
    assert (again["accepted"], again["duplicates"], again["quarantined"], again["rejected"]) == (0, 2, 0, [])


async def test_instruments_among_the_events_value_them(own: tuple[FastAPI, Client]) -> None:
    _, client = own
    terms = {"instrument_id": "BTCUSD.BITMEX", "currency": "USD", "last_qty": "1000", "last_px": "8000"}
    trade = [
        published(kind, n, **terms, quantity="1000")
        for n, kind in enumerate(("OrderInitialized", "OrderSubmitted", "OrderFilled"), 1)
    ]
    xbt = crypto_derivative("CryptoPerpetual", "BTC", "USD", "BTC", is_inverse=True) | {"id": "BTCUSD.BITMEX"}
    betting = message_of("BettingInstrument", currency="GBP")
    recorded = (await client.query(RECORD, events=[*trade, xbt, betting]))["recordEvents"]
    assert recorded["accepted"] == 4
    assert [(one["index"], one["code"]) for one in recorded["rejected"]] == [(4, "INVALID_INSTRUMENT")]
    document = "{ fills { nodes { notional settlementCurrency instrument { source kind isInverse multiplier } } } }"
    (fill,) = (await client.query(document))["fills"]["nodes"]
    assert fill == {
        "notional": "0.125",
        "settlementCurrency": "BTC",
        "instrument": {"source": "RECORDED", "kind": "CryptoPerpetual", "isInverse": True, "multiplier": "1"},
    }
    again = (await client.query(RECORD, events=[xbt, xbt | {"multiplier": "10"}]))["recordEvents"]
    assert [(one["index"], one["code"]) for one in again["rejected"]] == [(1, "INSTRUMENT_IN_USE")]


async def test_every_digit_of_a_number_is_kept(own: tuple[FastAPI, Client]) -> None:
    _, client = own
    event = json.dumps(published("OrderInitialized", 1, quantity="@"))
    digits = "123456789012345678901234.12345678901234567890"
    recorded = await post(client, body_with(f"[{event.replace(chr(34) + '@' + chr(34), digits)}]"))
    assert recorded["data"]["recordEvents"] == {"accepted": 1, "duplicates": 0, "quarantined": 0, "rejected": []}
    assert (await client.query("{ orders { nodes { quantity } } }"))["orders"]["nodes"] == [{"quantity": digits}]
    response = await client.http.post("/graphql", json={"query": PAYLOADS})
    assert f'"quantity": {digits}' in response.text


@pytest.mark.parametrize(
    "document",
    [
        RECORD,
        "mutation ($events: [JSON!]!) { a: recordEvents(events: $events) { accepted } b: __typename }",
        "mutation ($events: [JSON!]!) { ... { recordEvents(events: $events) { accepted rejected { code } } } }",
    ],
)
async def test_documents_of_other_forms_record_the_same_events(own: tuple[FastAPI, Client], document: str) -> None:
    _, client = own
    events = [published("OrderInitialized", 1), published("OrderFilled", 2, last_qty="0.5", last_px="10.50")]
    data = await client.query(document, events=events)
    assert next(value["accepted"] for value in data.values() if isinstance(value, dict)) == 2
    (order,) = (await client.query("{ orders { nodes { filledQty avgPx events { nodes { payload } } } } }"))["orders"][
        "nodes"
    ]
    assert (order["filledQty"], order["avgPx"]) == ("0.5", "10.50")
    assert [node["payload"] for node in order["events"]["nodes"]] == events[::-1]


@pytest.mark.parametrize("events", ["null", "[null]", "5", "[1, null]", "[[[[["])
async def test_a_value_that_is_not_a_list_of_events_is_refused(own: tuple[FastAPI, Client], events: str) -> None:
    _, client = own
    response = await client.http.post(
        "/graphql", content=body_with(events), headers={"content-type": "application/json"}
    )
    if events == "5":  # GraphQL reads a value as a list of one
        assert response.json()["data"]["recordEvents"]["rejected"][0]["code"] == "INVALID_EVENT"
    else:
        assert "data" not in response.json()
        assert response.status_code in (200, 400)


async def test_a_request_may_have_five_thousand_events(own: tuple[FastAPI, Client]) -> None:
    _, client = own
    with gzip.open(RECORDING, "rt") as lines:
        events = [line.strip() for line in islice(lines, 5_001)]
    body = await post(client, body_with(f"[{','.join(events)}]"))
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert (await client.query("{ summary { orders } }"))["summary"]["orders"] == 0
    data = (await post(client, body_with(f"[{','.join(events[:-1])}]")))["data"]["recordEvents"]
    without_ledger_events = len([one for one in data["rejected"] if one["code"] == "NOT_A_LEDGER_EVENT"])
    assert without_ledger_events == len(data["rejected"])
    assert data["accepted"] + data["duplicates"] + data["quarantined"] + without_ledger_events == 5_000
    assert data["accepted"] > 3_000
