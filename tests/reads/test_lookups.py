"""Lookups by key return rows in the order of the keys, and concurrent ones share a statement."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from msgspec import json

from app.database import Database
from app.principal import LOCAL
from app.reads import lookups
from app.reads.catalogue.budget import BUDGET, BUDGET_ENTRY, HOLD
from app.reads.catalogue.trading import ORDER
from app.reads.entity import Entity
from app.reads.lookups import Lookups
from app.reads.query import Amounts, Compare, ListArgs, Op, ReadQuery, ResultFormat, Selected, Selection
from tests.reads.rows import EMA, MAKER, UNKNOWN

pytestmark = pytest.mark.anyio

BY_ORDER = ("strategy_id", "client_order_id")
BY_CURRENCY = ("strategy_id", "currency")


def query_for(*names: str, by: tuple[str, ...] = BY_ORDER) -> ReadQuery:
    return ReadQuery(Selection.of(names), ResultFormat.KEYED, amounts=Amounts.TEXT, by=by)


async def found(
    database: Database,
    entity: Entity,
    query: ReadQuery,
    *keys: Any,
    values: tuple[Any, ...] = (),
    principal: Any = LOCAL,
) -> list[Any]:
    bodies = await Lookups().find(database, principal, entity, query, values, keys)
    return [None if body is None else json.decode(body) for body in bodies]


async def test_results_are_in_the_order_of_the_keys(ledger_database: Database) -> None:
    keys = [(EMA, "O-07"), (UNKNOWN, "O-05"), (MAKER, "SHARED"), (EMA, "O-05"), (EMA, "O-07")]
    assert await found(ledger_database, ORDER, query_for("strategy_id", "client_order_id"), *keys) == [
        {"strategy_id": str(EMA), "client_order_id": "O-07"},
        None,
        {"strategy_id": str(MAKER), "client_order_id": "SHARED"},
        {"strategy_id": str(EMA), "client_order_id": "O-05"},
        {"strategy_id": str(EMA), "client_order_id": "O-07"},
    ]


async def test_linked_lists_and_their_arguments_are_read(ledger_database: Database) -> None:
    some = ListArgs(Compare("last_qty", Op.GT, 2))
    fills = Selected("fills", "fills", Selection.of(["total_count"]), some)
    query = ReadQuery(Selection((fills,)), ResultFormat.KEYED, by=BY_ORDER)
    assert await found(ledger_database, ORDER, query, (EMA, "O-13"), values=(Decimal("0.1"),)) == [
        {"fills": {"total_count": 0}}
    ]
    assert await found(ledger_database, ORDER, query, (EMA, "O-13"), values=(Decimal("0.01"),)) == [
        {"fills": {"total_count": 5}}
    ]


async def test_only_rows_of_the_entity_are_found(ledger_database: Database) -> None:
    query = query_for("currency", "allocated", by=BY_CURRENCY)
    keys = [(EMA, "USDT"), (EMA, "BTC")]
    usdt = {"currency": "USDT", "allocated": "1000.0"}
    assert await found(ledger_database, BUDGET, query, *keys) == [usdt, None]
    # The result of a mutation shows the budget, although it was deleted since.
    assert await found(ledger_database, BUDGET_ENTRY, query, *keys) == [usdt, {"currency": "BTC", "allocated": "0"}]
    assert await found(ledger_database, HOLD, query_for("currency"), (EMA, "O-05"), (EMA, "O-06")) == [
        {"currency": "USDT"},
        None,
    ]


async def test_a_filter_limits_the_rows(ledger_database: Database) -> None:
    accepted = ListArgs(Compare("status", Op.IN, names=("ACCEPTED",)))
    keys = [(EMA, "SHARED"), (EMA, "O-13"), (MAKER, "SHARED")]
    query = replace(query_for("client_order_id"), list_args=accepted)
    shared = {"client_order_id": "SHARED"}
    assert await found(ledger_database, ORDER, query, *keys) == [shared, None, shared]


async def test_a_bound_principal_finds_only_its_rows(ledger_database: Database) -> None:
    bound = replace(LOCAL, strategy_ids=frozenset([MAKER]))
    keys = [(EMA, "SHARED"), (MAKER, "SHARED")]
    rows = await found(ledger_database, ORDER, query_for("client_order_id"), *keys, principal=bound)
    assert rows == [None, {"client_order_id": "SHARED"}]


async def test_concurrent_lookups_share_a_statement(ledger_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    statements = count_keys(monkeypatch)
    shared_lookups = Lookups()
    order, side = query_for("client_order_id"), query_for("side")
    names = [f"O-{number:02}" for number in range(10)]
    pending = [shared_lookups.find(ledger_database, LOCAL, ORDER, order, (), [(EMA, name)]) for name in names]
    pending.append(shared_lookups.find(ledger_database, LOCAL, ORDER, side, (), [(EMA, "O-00")]))
    *answers, (other,) = await asyncio.gather(*pending)
    assert [json.decode(body) for (body,) in answers] == [{"client_order_id": name} for name in names]
    assert json.decode(other) == {"side": "BUY"}
    assert sorted(statements) == [1, 10]


async def test_principals_with_different_rows_do_not_share_a_statement(
    ledger_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = count_keys(monkeypatch)
    shared_lookups = Lookups()
    principals = [
        LOCAL,
        replace(LOCAL, actor="key:a"),
        *(replace(LOCAL, strategy_ids=frozenset([one])) for one in (EMA, MAKER)),
    ]
    pending = (
        shared_lookups.find(ledger_database, principal, ORDER, query_for("side"), (), [(EMA, "O-00"), (EMA, "O-01")])
        for principal in principals
    )
    answers = await asyncio.gather(*pending)
    assert [[body is not None for body in bodies] for bodies in answers] == [[True, True]] * 3 + [[False, False]]
    assert statements == [2, 2, 2]


async def test_the_number_of_keys_in_a_statement_is_limited(
    ledger_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "KEYS_MAX", 4)
    statements = count_keys(monkeypatch)
    shared_lookups = Lookups()
    names = [f"O-{number:02}" for number in range(10)]
    query = query_for("client_order_id")
    pending = (shared_lookups.find(ledger_database, LOCAL, ORDER, query, (), [(EMA, name)]) for name in names)
    answers = await asyncio.gather(*pending)
    assert [json.decode(body)["client_order_id"] for (body,) in answers] == names
    assert statements == [4, 4, 2]


async def test_a_cancelled_lookup_does_not_cancel_the_others(ledger_database: Database) -> None:
    shared_lookups = Lookups()
    both = [
        asyncio.ensure_future(
            shared_lookups.find(ledger_database, LOCAL, ORDER, query_for("side"), (), [(EMA, "O-00")])
        )
        for _ in range(2)
    ]
    await asyncio.sleep(0)
    both[0].cancel()
    assert await both[1] == [b'{"side":"BUY"}']


def count_keys(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of keys of each statement, in order."""
    statements: list[int] = []
    fetch = lookups.fetch_by_keys

    async def fetch_and_count(*arguments: Any) -> Any:
        statements.append(len(arguments[-1][0]))
        return await fetch(*arguments)

    monkeypatch.setattr(lookups, "fetch_by_keys", fetch_and_count)
    return statements
