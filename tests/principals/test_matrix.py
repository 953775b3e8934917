"""Role x field x path: each kind of principal against every operation of both faces, made from their descriptions.

What a bound key sees is compared with what there would be to see if there were no other strategy: equal to the byte.
So a new field, list, count or sum is held to it by itself.
"""

import itertools
from typing import Any

import httpx
import pytest
from graphql import GraphQLField, get_named_type

from app.principal import Role
from graphql_schema import schema
from tests.principals.conftest import KEYS
from tests.principals.questions import CLIENT_ORDER_IDS, document, example_of, questions
from tests.principals.rows import OURS, THEIRS
from tests.reads.rows import UNKNOWN
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

Clients = dict[str, Client]

SCHEMA = schema._schema
QUERIES = SCHEMA.query_type.fields if SCHEMA.query_type else {}
MUTATIONS = SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {}
SUBSCRIPTIONS = SCHEMA.subscription_type.fields if SCHEMA.subscription_type else {}

UNBOUND = [role.value for role in Role]
BOUND = [f"bound {role}" for role in Role]

MUTATION_ROLES = {
    "authorizeOrder": Role.TRADER,
    "authorizeOrders": Role.TRADER,
    "releaseOrder": Role.TRADER,
    "recordEvents": Role.TRADER,
    "recordSignal": Role.TRADER,
    "recordInstruments": Role.TRADER,
    "resolveQuarantine": Role.ADMIN,
    "registerStrategy": Role.ADMIN,
    "setBudget": Role.ADMIN,
    "deleteBudget": Role.ADMIN,
    "setTradingState": Role.ADMIN,
}
"""The least role that each mutation takes."""

OF_NOBODY = {"feedCursor"}
"""Queries whose answer has nothing of the ledger in it."""
OF_ALL_STRATEGIES = {"tradingState"}
"""Queries that give every key the same answer."""
OPEN_PATHS = {"/health", "/health/ready"}
"""REST paths that answer without a key."""
WRITE_ROLES: dict[tuple[str, str], tuple[Role, Any]] = {
    ("put", "/api/budget/{strategy_id}/{currency}"): (Role.ADMIN, {"allocated": 1000.0}),
    ("delete", "/api/budget/{strategy_id}/{currency}"): (Role.ADMIN, None),
}
"""The least role that each writing method of a REST path takes, and a body for it."""
PATH_VALUES = {
    "client_order_id": CLIENT_ORDER_IDS,
    "strategy_id": [str(OURS), str(THEIRS), str(UNKNOWN)],
    "currency": ["USDT", "USDC"],
}


async def asked(client: Client, question: str, given: Any) -> httpx.Response:
    return await client.http.post("/graphql", json={"query": question, "variables": given})


def codes(response: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in response.json().get("errors", [])}


@pytest.mark.parametrize("name", sorted(QUERIES.keys() - {"node"} - OF_NOBODY - OF_ALL_STRATEGIES))
async def test_a_bound_key_sees_what_there_would_be_without_the_others(clients: Clients, name: str) -> None:
    shows_others = False
    for number, (question, given) in enumerate(questions(SCHEMA, name)):
        alone = await asked(clients["alone"], question, given)
        together = await asked(clients["admin"], question, given)
        shows_others |= alone.content != together.content
        for kind in BOUND[: 1 if number else None]:
            assert (await asked(clients[kind], question, given)).content == alone.content, (kind, given)
        for kind in UNBOUND[: 1 if number else None]:
            assert (await asked(clients[kind], question, given)).content == together.content, (kind, given)
        assert codes(together) <= {"ORDER_AMBIGUOUS"}, given
        for kind in ("nobody", "wrong"):
            refused = await asked(clients[kind], question, given)
            assert (refused.status_code, codes(refused)) == (401, {"UNAUTHENTICATED"})
            assert "data" not in refused.json()
    assert shows_others, "tests.principals.rows has nothing of this that belongs to THEIRS: a leak would not be seen"


async def test_a_bound_key_finds_only_its_own_nodes(clients: Clients) -> None:
    types: dict[str, str] = {}
    for name in QUERIES.keys() - {"node"}:
        for question, given in questions(SCHEMA, name):
            _collect_types((await asked(clients["admin"], question, given)).json().get("data"), types)
    found = {True: 0, False: 0}
    deep: set[str] = set()
    for node_id, type_ in sorted(types.items()):
        given = {"id": node_id}
        # PostgreSQL takes a while to plan the deepest: one of each type is enough.
        depth = {} if type_ not in deep else {"depth": 1}
        question = document(SCHEMA, "query", QUERIES["node"], "node", given, **depth)
        deep.add(type_)
        alone = await asked(clients["alone"], question, given)
        assert (await asked(clients["bound admin"], question, given)).content == alone.content, given
        assert (await clients["viewer"].query(f'{{ node(id: "{node_id}") {{ id }} }}'))["node"]["id"] == node_id
        found[alone.json()["data"]["node"] is not None] += 1
    assert min(found.values()) > 10


def _collect_types(value: Any, types: dict[str, str]) -> None:
    """The type of each node, by its id."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            types[value["id"]] = value["__typename"]
        for part in value.values():
            _collect_types(part, types)
    elif isinstance(value, list):
        for part in value:
            _collect_types(part, types)


@pytest.mark.parametrize("name", sorted(OF_NOBODY))
async def test_what_is_nobodys_takes_a_key_too(clients: Clients, name: str) -> None:
    assert (await asked(clients["nobody"], f"{{ {name} }}", {})).status_code == 401
    assert (await clients["bound viewer"].query(f"{{ {name} }}"))[name]


@pytest.mark.parametrize("name", sorted(OF_ALL_STRATEGIES))
async def test_what_applies_to_all_strategies_is_shown_to_every_key(clients: Clients, name: str) -> None:
    ((question, given),) = questions(SCHEMA, name)
    told = {(await asked(clients[kind], question, given)).content for kind in (*UNBOUND, *BOUND)}
    assert len(told) == 1
    assert b'"errors"' not in told.pop()
    for kind in ("nobody", "wrong"):
        assert (await asked(clients[kind], question, given)).status_code == 401


async def test_introspection_takes_a_key(clients: Clients) -> None:
    question = "{ __schema { queryType { name } } __typename }"
    assert (await asked(clients["nobody"], question, {})).status_code == 401
    assert (await clients["bound viewer"].query(question))["__typename"] == "Query"


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_takes_its_role(acting: Clients, name: str) -> None:
    assert name in MUTATION_ROLES, "say which role it takes"
    field = MUTATIONS[name]
    for kind, (role, _) in KEYS.items():
        given = _least(field, {"id": str(OURS)})
        response = await asked(acting[kind], document(SCHEMA, "mutation", field, name, given), given)
        if not role.includes(MUTATION_ROLES[name]):
            assert codes(response) == {"FORBIDDEN"}, (kind, response.text)
            assert not response.json().get("data")
        elif kind in UNBOUND:
            assert codes(response).isdisjoint({"FORBIDDEN", "UNAUTHENTICATED"}), kind
    given = _least(field, {})
    refused = await asked(acting["nobody"], document(SCHEMA, "mutation", field, name, given), given)
    assert (refused.status_code, codes(refused)) == (401, {"UNAUTHENTICATED"})


@pytest.mark.parametrize("name", MUTATIONS)
async def test_to_a_bound_key_the_strategies_of_others_do_not_exist(acting: Clients, name: str) -> None:
    field = MUTATIONS[name]
    answers = []
    for strategy_id in (THEIRS, UNKNOWN):
        given = _least(field, {"id": str(strategy_id)})
        response = await asked(acting["bound admin"], document(SCHEMA, "mutation", field, name, given), given)
        answers.append(response.text.replace(str(strategy_id), "?"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
async def test_a_subscription_takes_a_key(clients: Clients, name: str) -> None:
    field = SUBSCRIPTIONS[name]
    given = _least(field, {})
    refused = await asked(clients["nobody"], document(SCHEMA, "subscription", field, name, given), given)
    assert (refused.status_code, codes(refused)) == (401, {"UNAUTHENTICATED"})


def _least(field: GraphQLField, names: dict[str, Any]) -> dict[str, Any]:
    """What a field needs to be asked; a reference to a strategy, if it takes one at all, is the one in `names`."""
    given = {}
    for name, argument in field.args.items():
        is_strategy = get_named_type(argument.type).name == "StrategyRef"
        if str(argument.type).endswith("!") or (is_strategy and names):
            given[name] = example_of(argument.type, names)
    return given


def paths_with(*methods: str) -> list[tuple[str, str]]:
    """Method and path of every operation that OpenAPI describes and that has one of these methods."""
    from app.main import create_app

    found = create_app().openapi()["paths"]
    return [(method, path) for path, item in found.items() for method in item if method in methods]


def _addresses(path: str) -> list[str]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    values = itertools.product(*(PATH_VALUES[name] for name in names))
    return [str(httpx.URL(path.format(**dict(zip(names, map(_quoted, one), strict=True))))) for one in values]


def _quoted(value: str) -> str:
    return "".join(f"%{byte:02X}" for byte in value.encode())


@pytest.mark.parametrize(("method", "path"), paths_with("get"))
async def test_a_bound_key_reads_what_there_would_be_without_the_others(
    clients: Clients, method: str, path: str
) -> None:
    is_open = path in OPEN_PATHS  # and tells nothing of the ledger
    shows_others = is_open
    for address in _addresses(path):
        for query in ("", f"?strategy_id={OURS}", f"?strategy_id={THEIRS}", "?strategy_name=maker", "?limit=2"):
            if is_open:
                continue
            alone, together = (
                await _read(clients["alone"], address + query),
                await _read(clients["admin"], address + query),
            )
            shows_others |= alone != together
            for kind in BOUND:
                assert await _read(clients[kind], address + query) == alone, (kind, address, query)
            for kind in UNBOUND:
                assert await _read(clients[kind], address + query) == together, (kind, address, query)
        for kind in ("nobody", "wrong"):
            response = await clients[kind].get(address)
            expected = 200 if is_open and kind == "nobody" else 401
            assert response.status_code == expected, address
            assert is_open or response.json()["code"] == "UNAUTHENTICATED"
    assert shows_others, "tests.principals.rows has nothing of this that belongs to THEIRS: a leak would not be seen"


async def _read(client: Client, address: str) -> tuple[int, bytes, str | None, str | None]:
    response = await client.get(address)
    assert response.status_code < 500
    return response.status_code, response.content, response.headers.get("x-total-count"), response.headers.get("link")


@pytest.mark.parametrize(("method", "path"), paths_with("post", "put", "patch", "delete"))
async def test_a_write_takes_its_role(acting: Clients, method: str, path: str) -> None:
    assert (method, path) in WRITE_ROLES, "say which role it takes"
    least, body = WRITE_ROLES[method, path]
    for address in _addresses(path):
        for kind, (role, _) in KEYS.items():
            response = await acting[kind].http.request(method, address, json=body)
            if not role.includes(least):
                assert (response.status_code, response.json()["code"]) == (403, "FORBIDDEN"), kind
            elif kind in UNBOUND:
                assert response.status_code not in (401, 403), kind
        assert (await acting["nobody"].http.request(method, address, json=body)).status_code == 401
        if str(THEIRS) in address:
            theirs, unknown = [
                await acting["bound admin"].http.request(method, one, json=body)
                for one in (address, address.replace(str(THEIRS), str(UNKNOWN)))
            ]
            assert theirs.status_code == unknown.status_code >= 400
            assert theirs.text.replace(str(THEIRS), "?") == unknown.text.replace(str(UNKNOWN), "?")
