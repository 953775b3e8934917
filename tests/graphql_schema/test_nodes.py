"""Single objects by node id, by client order id and by name."""

from base64 import b64encode

import pytest
from fastapi import FastAPI

from app.database import Database
from app.models.administration import Strategy
from app.models.instruments import Signal
from app.models.orders import Order, OrderEvent, QuarantinedEvent
from app.rules.identity import NO_STRATEGY
from tests.reads.rows import EMA, MAKER, START, TRADER, UNKNOWN, insert, ledger, order
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on Order { clientOrderId } } }"


def node_id(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize("list_name", ["orders", "fills", "positions", "strategies", "signals", "auditLog"])
async def test_every_node_is_found_by_its_id(client: Client, list_name: str) -> None:
    listed = (await client.query(f"{{ {list_name}(first: 1000) {{ nodes {{ __typename id }} }} }}"))[list_name]["nodes"]
    assert listed
    for node in listed:
        found = (await client.query(NODE, id=node["id"]))["node"]
        assert (found["__typename"], found["id"]) == (node["__typename"], node["id"])


async def test_an_unknown_id_returns_null(client: Client) -> None:
    for text in (f"Order:{UNKNOWN}:O-1", f"Order:{EMA}:nope", f"Position:{EMA}:7:P-1", "AuditEntry:99"):
        assert (await client.query(NODE, id=node_id(text)))["node"] is None


@pytest.mark.parametrize(
    "text",
    ["", "Order", "Order:", f"Order:{EMA}", "Order:x:O-1", f"Summary:{EMA}", f"Position:{EMA}:x:P-1", "AuditEntry:1e9"],
)
async def test_a_malformed_id_is_refused(client: Client, text: str) -> None:
    assert await client.code(NODE, id=node_id(text)) == "BAD_REQUEST"


@pytest.mark.parametrize("id", ["x", "é", "A" * 10_000, node_id(f"Order:{EMA}:a\x00")])
async def test_an_undecodable_id_is_refused(client: Client, id: str) -> None:
    assert await client.code(NODE, id=id) == "BAD_REQUEST"


async def test_an_order_is_found_by_its_client_order_id(client: Client) -> None:
    document = "query ($o: String!, $s: UUID) { order(clientOrderId: $o, strategyId: $s) { strategyId } }"
    assert (await client.query(document, o="O-13"))["order"] == {"strategyId": str(EMA)}
    assert (await client.query(document, o="SHARED", s=str(MAKER)))["order"] == {"strategyId": str(MAKER)}
    assert (await client.query(document, o="O-13", s=str(MAKER)))["order"] is None
    assert (await client.query(document, o="nope", s=None))["order"] is None
    assert await client.code(document, o="SHARED") == "ORDER_AMBIGUOUS"


async def test_a_strategy_is_found_by_id_or_name(client: Client) -> None:
    document = "query ($i: UUID, $n: String) { strategy(id: $i, name: $n) { strategyId name } }"
    ema = {"strategyId": str(EMA), "name": "EMACross-000"}
    assert (await client.query(document, i=str(EMA)))["strategy"] == ema
    assert (await client.query(document, i=None, n="EMACross-000"))["strategy"] == ema
    assert (await client.query(document, n="emacross-000"))["strategy"] is None
    for wrong in ({}, {"i": str(EMA), "n": "EMACross-000"}, {"i": None, "n": None}):
        assert await client.code(document, **wrong) == "BAD_REQUEST"


async def test_a_strategy_name_of_several_traders_is_ambiguous(own: tuple[FastAPI, Client], database: Database) -> None:
    rows = [Strategy(strategy_id=id_, name="X", trader_id=str(id_), created_at=START) for id_ in (EMA, MAKER)]
    await insert(database, rows)
    assert await own[1].code('{ strategy(name: "X") { id } }') == "STRATEGY_AMBIGUOUS"


async def test_a_signal_has_its_orders_and_an_order_its_signal(own: tuple[FastAPI, Client], database: Database) -> None:
    published = {"name": "cross", "value": {"up": True}, "ts_event": START, "ts_init": START}
    signals = [Signal(strategy_id=owner, signal_id=UNKNOWN, **published) for owner in (EMA, NO_STRATEGY)]
    orders = [order("A", 1, signal_id=UNKNOWN), order("B", 2, signal_id=UNKNOWN, strategy_id=MAKER), order("C", 3)]
    await insert(database, [*_strategies(), *signals, *orders])
    document = """{
      orders { nodes { clientOrderId signal { strategy { name } value } } }
      signals { totalCount nodes { strategy { name } orders { totalCount nodes { clientOrderId } } } }
    }"""
    answer = await own[1].query(document)
    own_signal, without_strategy = (
        {"strategy": {"name": "EMA"}, "value": {"up": True}},
        {"strategy": None, "value": {"up": True}},
    )
    assert [node["signal"] for node in answer["orders"]["nodes"]] == [None, without_strategy, own_signal]
    listed = {str(node["strategy"]): node["orders"] for node in answer["signals"]["nodes"]}
    assert listed["{'name': 'EMA'}"] == {"totalCount": 1, "nodes": [{"clientOrderId": "A"}]}
    assert [node["clientOrderId"] for node in listed["None"]["nodes"]] == ["B", "A"]


async def test_events_show_whether_they_were_applied(own: tuple[FastAPI, Client], database: Database) -> None:
    about = {"strategy_id": EMA, "client_order_id": "A", "ts_event": START}
    events = [
        OrderEvent(**about, event_id=UNKNOWN, variant=n, seq=n, type="OrderFilled", ts_init=START, payload={"n": n})
        for n in (0, 1)
    ]
    why = QuarantinedEvent(**about, event_id=UNKNOWN, variant=1, code="CONFLICTING_CONTENT", reason="seen before")
    await insert(database, [*_strategies(), order("A", 1), *events, why])
    fields = "id eventId type clientOrderId applied quarantineReason payload"
    events = f"totalCount nodes {{ {fields} }}"
    document = f'{{ order(clientOrderId: "A") {{ events {{ {events} }} }} quarantinedEvents {{ {events} }} }}'
    answer = await own[1].query(document)
    refused, applied = answer["order"]["events"]["nodes"]
    assert (applied["applied"], applied["quarantineReason"], applied["payload"]) == (True, None, {"n": 0})
    assert (refused["applied"], refused["quarantineReason"]) == (False, "CONFLICTING_CONTENT: seen before")
    assert answer["quarantinedEvents"] == {"totalCount": 1, "nodes": [refused]}
    found = await own[1].query(
        f"query ($id: ID!) {{ node(id: $id) {{ ... on OrderEvent {{ {fields} }} }} }}", id=refused["id"]
    )
    assert found["node"] == refused


def _strategies() -> list[Strategy]:
    named = ((EMA, "EMA"), (MAKER, "MAKER"))
    return [Strategy(strategy_id=id_, name=name, trader_id=TRADER, created_at=START) for id_, name in named]


def test_the_sample_ledger_has_every_kind_of_node() -> None:
    assert {Order, Signal, Strategy} <= {type(row) for row in ledger()}
