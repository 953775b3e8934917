"""Role x field x path: each kind of principal runs every operation of both APIs, generated from their descriptions.

The responses for a bound key are compared, byte for byte, with those of a ledger without other strategies. The check
covers new fields, lists, counts and sums without a change here.
"""

import itertools
from typing import Any

import httpx
import pytest
from graphql import GraphQLField, get_named_type

from app.principal import Role
from graphql_schema import schema
from tests.principals.conftest import KEYS
from tests.principals.queries import CLIENT_ORDER_IDS, document, example_of, queries_of
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
"""The lowest role that each mutation requires."""

WITHOUT_LEDGER_DATA = {"feedCursor"}
"""Queries whose response contains no ledger data."""
OF_ALL_STRATEGIES = {"tradingState"}
"""Queries with the same response for every key."""
OPEN_PATHS = {"/health", "/health/ready"}
"""REST paths that need no key."""
WRITE_ROLES: dict[tuple[str, str], tuple[Role, Any]] = {
    ("put", "/api/budget/{strategy_id}/{currency}"): (Role.ADMIN, {"allocated": 1000.0}),
    ("delete", "/api/budget/{strategy_id}/{currency}"): (Role.ADMIN, None),
}
"""The lowest role that each REST write requires, and a body for it."""
PATH_VALUES = {
    "client_order_id": CLIENT_ORDER_IDS,
    "strategy_id": [str(OURS), str(THEIRS), str(UNKNOWN)],
    "currency": ["USDT", "USDC"],
}


async def execute(client: Client, query: str, given: Any) -> httpx.Response:
    return await client.http.post("/graphql", json={"query": query, "variables": given})


def codes(response: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in response.json().get("errors", [])}


@pytest.mark.parametrize("name", sorted(QUERIES.keys() - {"node"} - WITHOUT_LEDGER_DATA - OF_ALL_STRATEGIES))
async def test_a_bound_key_gets_the_graphql_responses_of_a_ledger_without_other_strategies(
    clients: Clients, name: str
) -> None:
    shows_others = False
    for number, (query, given) in enumerate(queries_of(SCHEMA, name)):
        alone = await execute(clients["alone"], query, given)
        together = await execute(clients["admin"], query, given)
        shows_others |= alone.content != together.content
        for kind in BOUND[: 1 if number else None]:
            assert (await execute(clients[kind], query, given)).content == alone.content, (kind, given)
        for kind in UNBOUND[: 1 if number else None]:
            assert (await execute(clients[kind], query, given)).content == together.content, (kind, given)
        assert codes(together) <= {"ORDER_AMBIGUOUS"}, given
        for kind in ("no key", "wrong key"):
            refused = await execute(clients[kind], query, given)
            assert (refused.status_code, codes(refused)) == (401, {"UNAUTHENTICATED"})
            assert "data" not in refused.json()
    assert shows_others, "tests.principals.rows has nothing of this that belongs to THEIRS: a leak would not be seen"


async def test_a_bound_key_finds_only_its_own_nodes(clients: Clients) -> None:
    types: dict[str, str] = {}
    for name in QUERIES.keys() - {"node"}:
        for query, given in queries_of(SCHEMA, name):
            _collect_types((await execute(clients["admin"], query, given)).json().get("data"), types)
    found = {True: 0, False: 0}
    deep: set[str] = set()
    for node_id, type_ in sorted(types.items()):
        given = {"id": node_id}
        # PostgreSQL takes long to plan the deepest queries: one for each type is enough.
        depth = {} if type_ not in deep else {"depth": 1}
        query = document(SCHEMA, "query", QUERIES["node"], "node", given, **depth)
        deep.add(type_)
        alone = await execute(clients["alone"], query, given)
        assert (await execute(clients["bound admin"], query, given)).content == alone.content, given
        assert (await clients["viewer"].query(f'{{ node(id: "{node_id}") {{ id }} }}'))["node"]["id"] == node_id
        found[alone.json()["data"]["node"] is not None] += 1
    assert min(found.values()) > 10


def _collect_types(value: Any, types: dict[str, str]) -> None:
    """Adds the type of each node, by its id."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            types[value["id"]] = value["__typename"]
        for part in value.values():
            _collect_types(part, types)
    elif isinstance(value, list):
        for part in value:
            _collect_types(part, types)


@pytest.mark.parametrize("name", sorted(WITHOUT_LEDGER_DATA))
async def test_queries_without_ledger_data_require_a_key(clients: Clients, name: str) -> None:
    assert (await execute(clients["no key"], f"{{ {name} }}", {})).status_code == 401
    assert (await clients["bound viewer"].query(f"{{ {name} }}"))[name]


@pytest.mark.parametrize("name", sorted(OF_ALL_STRATEGIES))
async def test_values_of_all_strategies_are_shown_to_every_key(clients: Clients, name: str) -> None:
    ((query, given),) = queries_of(SCHEMA, name)
    responses = {(await execute(clients[kind], query, given)).content for kind in (*UNBOUND, *BOUND)}
    assert len(responses) == 1
    assert b'"errors"' not in responses.pop()
    for kind in ("no key", "wrong key"):
        assert (await execute(clients[kind], query, given)).status_code == 401


async def test_introspection_requires_a_key(clients: Clients) -> None:
    query = "{ __schema { queryType { name } } __typename }"
    assert (await execute(clients["no key"], query, {})).status_code == 401
    assert (await clients["bound viewer"].query(query))["__typename"] == "Query"


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_requires_its_role(changing_clients: Clients, name: str) -> None:
    assert name in MUTATION_ROLES, "say which role it takes"
    field = MUTATIONS[name]
    for kind, (role, _) in KEYS.items():
        given = _required_arguments(field, {"id": str(OURS)})
        response = await execute(changing_clients[kind], document(SCHEMA, "mutation", field, name, given), given)
        if not role.includes(MUTATION_ROLES[name]):
            assert codes(response) == {"FORBIDDEN"}, (kind, response.text)
            assert not response.json().get("data")
        elif kind in UNBOUND:
            assert codes(response).isdisjoint({"FORBIDDEN", "UNAUTHENTICATED"}), kind
    given = _required_arguments(field, {})
    refused = await execute(changing_clients["no key"], document(SCHEMA, "mutation", field, name, given), given)
    assert (refused.status_code, codes(refused)) == (401, {"UNAUTHENTICATED"})


@pytest.mark.parametrize("name", MUTATIONS)
async def test_other_strategies_do_not_exist_for_the_mutations_of_a_bound_key(
    changing_clients: Clients, name: str
) -> None:
    field = MUTATIONS[name]
    answers = []
    for strategy_id in (THEIRS, UNKNOWN):
        given = _required_arguments(field, {"id": str(strategy_id)})
        response = await execute(
            changing_clients["bound admin"], document(SCHEMA, "mutation", field, name, given), given
        )
        answers.append(response.text.replace(str(strategy_id), "?"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
async def test_a_subscription_requires_a_key(clients: Clients, name: str) -> None:
    field = SUBSCRIPTIONS[name]
    given = _required_arguments(field, {})
    refused = await execute(clients["no key"], document(SCHEMA, "subscription", field, name, given), given)
    assert (refused.status_code, codes(refused)) == (401, {"UNAUTHENTICATED"})


def _required_arguments(field: GraphQLField, names: dict[str, Any]) -> dict[str, Any]:
    """The required arguments of a field. `names` has the strategy reference, if the field takes one."""
    given = {}
    for name, argument in field.args.items():
        is_strategy = get_named_type(argument.type).name == "StrategyRef"
        if str(argument.type).endswith("!") or (is_strategy and names):
            given[name] = example_of(argument.type, names)
    return given


def paths_with(*methods: str) -> list[tuple[str, str]]:
    """Method and path of every operation in the OpenAPI document with one of these methods."""
    from app.main import create_app

    found = create_app().openapi()["paths"]
    return [(method, path) for path, item in found.items() for method in item if method in methods]


def _addresses(path: str) -> list[str]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    values = itertools.product(*(PATH_VALUES[name] for name in names))
    return [str(httpx.URL(path.format(**dict(zip(names, map(_percent_encoded, one), strict=True))))) for one in values]


def _percent_encoded(value: str) -> str:
    return "".join(f"%{byte:02X}" for byte in value.encode())


@pytest.mark.parametrize(("method", "path"), paths_with("get"))
async def test_a_bound_key_gets_the_rest_responses_of_a_ledger_without_other_strategies(
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
        for kind in ("no key", "wrong key"):
            response = await clients[kind].get(address)
            expected = 200 if is_open and kind == "no key" else 401
            assert response.status_code == expected, address
            assert is_open or response.json()["code"] == "UNAUTHENTICATED"
    assert shows_others, "tests.principals.rows has nothing of this that belongs to THEIRS: a leak would not be seen"


async def _read(client: Client, address: str) -> tuple[int, bytes, str | None, str | None]:
    response = await client.get(address)
    assert response.status_code < 500
    return response.status_code, response.content, response.headers.get("x-total-count"), response.headers.get("link")


@pytest.mark.parametrize(("method", "path"), paths_with("post", "put", "patch", "delete"))
async def test_a_rest_write_requires_its_role(changing_clients: Clients, method: str, path: str) -> None:
    assert (method, path) in WRITE_ROLES, "say which role it takes"
    role_min, body = WRITE_ROLES[method, path]
    for address in _addresses(path):
        for kind, (role, _) in KEYS.items():
            response = await changing_clients[kind].http.request(method, address, json=body)
            if not role.includes(role_min):
                assert (response.status_code, response.json()["code"]) == (403, "FORBIDDEN"), kind
            elif kind in UNBOUND:
                assert response.status_code not in (401, 403), kind
        assert (await changing_clients["no key"].http.request(method, address, json=body)).status_code == 401
        if str(THEIRS) in address:
            theirs, unknown = [
                await changing_clients["bound admin"].http.request(method, one, json=body)
                for one in (address, address.replace(str(THEIRS), str(UNKNOWN)))
            ]
            assert theirs.status_code == unknown.status_code >= 400
            assert theirs.text.replace(str(THEIRS), "?") == unknown.text.replace(str(UNKNOWN), "?")
