"""What is told of a change, to whom, and from where on."""

import asyncio
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from app.database import Database
from app.database.embedded import EmbeddedServer
from app.ledger.recording.record import record_events
from app.principal import LOCAL
from app.resolvers import Context, strategies
from app.rules.enums import TradingState
from app.rules.identity import NO_STRATEGY
from tests.conftest import execute
from tests.events import event_id, incoming, published
from tests.feed.rows import change, set_budget
from tests.feed.test_feed import END_CONNECTIONS
from tests.graphql_schema.live.client import Socket, connected
from tests.reads.rows import EMA, MAKER

pytestmark = pytest.mark.anyio

AUDIT = """
INSERT INTO audit_entries (id, ts, actor, action, entity_type, entity_id, strategy_id, hash)
VALUES ($1, 1, $2, 'budget.set', 'budget', 'USDT', $3, '')
"""


async def record(database: Database, *events: dict[str, Any]) -> None:
    await record_events(database, [incoming(n, event) for n, event in enumerate(events)])


async def test_an_order_event_shows_the_current_row(socket: Socket, database: Database) -> None:
    cursor = await socket.feed_cursor()
    await socket.ask(
        """subscription ($after: String) { changed: orders(after: $after) {
            __typename cursor order { id: clientOrderId ...more } again: order { strategy { name } }
        } }
        fragment more on Order { status fills(first: 1) { totalCount nodes { lastPx } } }""",
        after=cursor,
    )
    await record(database, published("OrderInitialized", 1, quantity=Decimal(3)))
    first = (await socket.event())["changed"]
    assert list(first) == ["__typename", "cursor", "order", "again"]
    assert (first["__typename"], first["again"]) == ("OrderChange", {"strategy": {"name": "EMACross-000"}})
    assert first["order"] == {"id": "O-1", "status": "INITIALIZED", "fills": {"totalCount": 0, "nodes": []}}
    await record(database, published("OrderSubmitted", 2), published("OrderFilled", 3, last_px=Decimal("100.50")))
    second = (await socket.event())["changed"]
    assert second["order"]["status"] == "PARTIALLY_FILLED"
    assert second["order"]["fills"] == {"totalCount": 1, "nodes": [{"lastPx": "100.50"}]}
    assert len({cursor, first["cursor"], second["cursor"]}) == 3


async def test_fill_and_position_changes_are_sent(socket: Socket, database: Database) -> None:
    cursor = await socket.feed_cursor()
    fills = "subscription ($a: String) { fills(after: $a) { fill { eventId lastQty order { clientOrderId } } } }"
    await socket.ask(fills, "fills", a=cursor)
    await record(
        database,
        published("OrderInitialized", 1, quantity=Decimal(2)),
        published("OrderSubmitted", 2),
        published("OrderFilled", 3, position_id="P:1"),
    )
    assert await socket.event("fills") == {
        "fills": {"fill": {"eventId": event_id(3), "lastQty": "1", "order": {"clientOrderId": "O-1"}}}
    }
    positions = "subscription ($a: String) { positions(after: $a) { position { positionId quantity status } } }"
    await socket.ask(positions, "positions", a=cursor)
    received = (await socket.event("positions"))["positions"]["position"]
    assert received == {"positionId": "P:1", "quantity": "1", "status": "OPEN"}


async def test_a_filter_applies_to_the_rows_that_are_sent(socket: Socket, database: Database) -> None:
    cursor = await socket.feed_cursor()
    await socket.ask(
        """subscription ($after: String, $f: OrderFilter) { orders(after: $after, filter: $f) {
            order { clientOrderId fills(first: 5) { nodes { lastQty } } }
        } }""",
        after=cursor,
        f={"quantity": {"gt": "2"}, "not": {"clientOrderId": {"eq": "O-3"}}},
    )
    for number, quantity in enumerate((1, 5, 5, 7)):
        name, amount = f"O-{number + 1}", Decimal(quantity)
        await record(database, published("OrderInitialized", number + 1, client_order_id=name, quantity=amount))
    for name in ("O-2", "O-4"):
        assert (await socket.event())["orders"]["order"] == {"clientOrderId": name, "fills": {"nodes": []}}


async def test_a_filter_applies_when_no_row_field_is_selected(socket: Socket, database: Database) -> None:
    await socket.ask(
        'subscription ($a: String) { orders(after: $a, filter: {clientOrderId: {eq: "O-2"}}) { __typename } }',
        a=await socket.feed_cursor(),
    )
    await socket.ask("subscription ($a: String) { orders(after: $a) { cursor } }", "all", a=await socket.feed_cursor())
    for number in (1, 2):
        await record(database, published("OrderInitialized", number, client_order_id=f"O-{number}"))
    received = [(await socket.receive())["id"] for _ in range(3)]
    assert sorted(received) == ["1", "all", "all"]


async def test_budget_changes_and_deletions_are_sent(socket: Socket, connection: asyncpg.Connection) -> None:
    await socket.ask(
        """subscription ($after: String, $of: UUID) { budgets(after: $after, strategyId: $of) {
            strategyId currency budget { allocated reserved available }
        } }""",
        after=await socket.feed_cursor(),
        of=str(EMA),
    )
    await set_budget(connection, "EUR", None, "5")  # tied up without a budget: nobody's business
    await set_budget(connection, "USDT", "1", strategy_id=MAKER)
    await set_budget(connection, "USDT", "1000.10", "0.10")
    await set_budget(connection, "USDT", None)
    one = {"strategyId": str(EMA), "currency": "USDT"}
    amounts = [(await socket.event())["budgets"] for _ in range(2)]
    # The first may be sent when the second has happened: a row is told as it stands.
    as_set = {"allocated": "1000.10", "reserved": "0.10", "available": "1000.00"}
    assert amounts[0] in ({**one, "budget": as_set}, {**one, "budget": None})
    assert amounts[1] == {**one, "budget": None}


async def test_strategies_are_sent_when_their_effective_state_changes(socket: Socket, database: Database) -> None:
    context = Context(database)
    await socket.ask(
        """subscription ($a: String) { strategies(after: $a, filter: {name: {startsWith: "S-"}}) {
            strategy { name state ownState }
        } }""",
        a=await socket.feed_cursor(),
    )

    async def received() -> tuple[str, str, str]:
        strategy = (await socket.event())["strategies"]["strategy"]
        return strategy["name"], strategy["state"], strategy["ownState"]

    for name in ("S-0", "Other-000", "S-1"):
        await strategies.register_strategy(context, LOCAL, name, "TRADER-001")
    assert [await received() for _ in range(2)] == [("S-0", "ACTIVE", "ACTIVE"), ("S-1", "ACTIVE", "ACTIVE")]
    await strategies.set_trading_state(context, LOCAL, "S-1", TradingState.HALTED)
    assert await received() == ("S-1", "HALTED", "HALTED")
    # S-1 is halted by itself: nothing that is shown of it changes.
    await strategies.set_global_trading_state(context, LOCAL, TradingState.REDUCING)
    assert await received() == ("S-0", "REDUCING", "ACTIVE")
    await strategies.set_global_trading_state(context, LOCAL, TradingState.ACTIVE)
    assert await received() == ("S-0", "ACTIVE", "ACTIVE")


async def test_audit_entries_are_sent(socket: Socket, connection: asyncpg.Connection) -> None:
    await socket.ask(
        "subscription ($a: String) { auditLog(after: $a) { entry { actor action strategyId } } }",
        a=await socket.feed_cursor(),
    )
    for number, (actor, strategy_id) in enumerate((("local", None), ("key:desk", EMA)), start=1):
        await connection.execute(AUDIT, number, actor, strategy_id)
        await change(connection, "audit", str(number), strategy_id=strategy_id or NO_STRATEGY)
        received = (await socket.event())["auditLog"]["entry"]
        assert received["actor"] == actor
        assert received["strategyId"] == (None if strategy_id is None else str(strategy_id))


async def test_a_subscription_without_a_cursor_begins_now(socket: Socket, connection: asyncpg.Connection) -> None:
    await set_budget(connection, "OLD", "1")
    await socket.ask("subscription { budgets { cursor currency } }")
    seen: list[str] = []
    number = 0
    # When it begins, nobody is told: so budgets are set until one is.
    listening = asyncio.create_task(socket.event())
    while not listening.done():
        number += 1
        await set_budget(connection, f"NEW{number}", "1")
        await asyncio.wait([listening], timeout=0.05)
    first = (await listening)["budgets"]
    assert first["currency"].startswith("NEW")
    seen.append(first["currency"])
    while seen[-1] != f"NEW{number}":
        seen.append((await socket.event())["budgets"]["currency"])
    start = int(seen[0].removeprefix("NEW"))
    assert seen == [f"NEW{one}" for one in range(start, number + 1)]


async def test_a_client_that_reconnects_receives_every_event_once(service: str, connection: asyncpg.Connection) -> None:
    query = "subscription ($after: String) { budgets(after: $after) { cursor currency } }"
    async with connected(service) as socket:
        cursor = await socket.feed_cursor()
    seen = []
    for number in range(5):
        for part in "abc":
            await set_budget(connection, f"{number}{part}", "1")
        async with connected(service) as socket:
            await socket.ask(query, after=cursor)
            for _ in range(3):
                event = (await socket.event())["budgets"]
                seen.append(event["currency"])
                cursor = event["cursor"]
    assert seen == [f"{number}{part}" for number in range(5) for part in "abc"]


async def test_a_lost_feed_connection_loses_no_event(socket: Socket, connection: asyncpg.Connection) -> None:
    query = "subscription ($after: String) { budgets(after: $after) { currency } }"
    await socket.ask(query, after=await socket.feed_cursor())
    for number in range(5):
        await set_budget(connection, f"{number}a", "1")
        await connection.execute(END_CONNECTIONS)
        await set_budget(connection, f"{number}b", "1")
    seen = [(await socket.event())["budgets"]["currency"] for _ in range(10)]
    assert seen == [f"{number}{part}" for number in range(5) for part in "ab"]


async def test_a_subscription_waits_for_an_unreachable_database(
    server: EmbeddedServer, socket: Socket, connection: asyncpg.Connection
) -> None:
    cursor = await socket.feed_cursor()
    await set_budget(connection, "USDT", "1")
    name = await connection.fetchval("SELECT current_database()")
    await execute(server.url_of("postgres"), f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await connection.execute(END_CONNECTIONS)
    await socket.ask("subscription ($a: String) { budgets(after: $a) { currency } }", a=cursor)
    await socket.ask("{ orders(first: 1) { nodes { id } } }", "question")
    refused = await socket.payload("question")
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["BUSY"]
    assert await socket.receive() == {"id": "question", "type": "complete"}
    await execute(server.url_of("postgres"), f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert (await socket.event())["budgets"] == {"currency": "USDT"}


async def test_a_new_epoch_ends_a_subscription(socket: Socket, connection: asyncpg.Connection) -> None:
    await socket.ask("subscription ($a: String) { budgets(after: $a) { currency } }", a=await socket.feed_cursor())
    await set_budget(connection, "USDT", "1")
    assert (await socket.event())["budgets"] == {"currency": "USDT"}
    await connection.execute("UPDATE feed_epoch SET epoch = gen_random_uuid()")
    await connection.execute(END_CONNECTIONS)
    assert await socket.errors() == ["CURSOR_EXPIRED"]


async def test_a_cursor_of_deleted_changes_has_expired(socket: Socket, connection: asyncpg.Connection) -> None:
    query = "subscription ($a: String) { budgets(after: $a) { cursor } }"
    await socket.ask(query, "1", a=await socket.feed_cursor())
    cursors = []
    for currency in ("USDT", "EUR"):
        await set_budget(connection, currency, "1")
        cursors.append((await socket.event())["budgets"]["cursor"])
    await connection.execute("DELETE FROM changes WHERE key = 'USDT'")
    await socket.ask(query, "2", a=cursors[0])
    assert await socket.errors("2") == ["CURSOR_EXPIRED"]
    await socket.ask(query, "2", a=cursors[1])
    await set_budget(connection, "GBP", "1")
    assert {(await socket.receive())["id"] for _ in range(2)} == {"1", "2"}
