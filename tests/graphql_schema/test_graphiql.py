"""GraphiQL over HTTP: who gets the page, what comes with it, and that its examples work. See also tests/browser."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from graphql import OperationDefinitionNode, OperationType, parse, validate

from graphql_schema import schema
from graphql_schema.http import graphiql
from tests.graphql_schema.authorization_documents import STRATEGY
from tests.ledger.authorizing import prepare
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

WEB = Path(__file__).parents[2] / "web"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}
TYPES = {"js": "javascript", "css": "text/css; charset=utf-8", "ttf": "font/", "svg": "image/svg+xml"}


async def assets_of(client: Client) -> list[str]:
    """The paths of all files the page may load, those that it names first."""
    page = (await client.http.get("/graphql", headers=BROWSER)).text
    named = [f"/{address}" for address in re.findall(r'(?:src|href)="\./([^"]+)"', page)]
    assert len(named) > 2
    folder = Path(graphiql.__file__).parents[1] / "static" / graphiql.ASSETS_PATH.lstrip("/")
    return named + [f"{graphiql.ASSETS_PATH}/{file.name}" for file in folder.iterdir()]


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (BROWSER["Accept"], True),
        ("text/html", True),
        ("TEXT/HTML;level=1;q=0.5, application/json; q=0.4", True),
        ("text/*, application/json;q=0.9", True),
        ("application/json", False),
        ("application/graphql-response+json, text/html;q=0.9", False),
        ("text/html, application/json", False),
        ("text/html;q=0", False),
        ("*/*", False),
        ("", False),
        (";;,=;q=,text/html;q=x", True),
    ],
)
def test_a_client_that_prefers_html_gets_the_page(accept: str, page: bool) -> None:
    assert graphiql.wants_page(accept) is page


async def test_the_content_security_policy_allows_no_other_host_or_inline_script(client: Client) -> None:
    response = await client.http.get("/graphql", headers=BROWSER)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = dict(one.strip().split(" ", 1) for one in response.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["worker-src"] == policy["connect-src"] == "'self'"
    assert "http" not in str(policy)
    assert re.findall(r"<script(?! type=\"module\" crossorigin src=\"\./)|https?:|=\"//", response.text) == []


async def test_the_page_is_revalidated(client: Client) -> None:
    response = await client.http.get("/graphql", headers=BROWSER)
    assert (response.headers["cache-control"], response.headers["vary"]) == ("no-cache", "Accept")
    again = await client.http.get("/graphql", headers={**BROWSER, "If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await client.http.head("/graphql", headers=BROWSER)
    assert (head.status_code, head.headers["etag"]) == (200, response.headers["etag"])


async def test_queries_are_answered_at_the_same_path(client: Client) -> None:
    assert await client.query("{ summary { orders } }")
    response = await client.http.get("/graphql", params={"query": "{ __typename }"}, headers={"Accept": "*/*"})
    assert response.json()["data"] == {"__typename": "Query"}


async def test_assets_are_immutable_and_have_their_media_types(client: Client) -> None:
    for path in await assets_of(client):
        response = await client.http.get(path)
        assert response.status_code == 200, path
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"
        # A worker goes by its own.
        assert response.headers["content-security-policy"].startswith("default-src 'none'; ")
        assert TYPES[path.rpartition(".")[2]] in response.headers["content-type"], path
        assert (await client.http.head(path)).headers["content-length"] == str(len(response.content))
        again = await client.http.get(path, headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == 304


async def test_assets_load_only_local_files(client: Client) -> None:
    for path in await assets_of(client):
        text = (await client.http.get(path)).text
        assert re.findall(r"(?:cdn|unpkg|jsdelivr|esm\.sh|googleapis|gstatic)\.[a-z.]+/", text) == [], path
        if path.endswith(".css"):
            assert re.findall(r"url\((?!data:|#|\./)[^)]*\)|@import", text) == [], path


@pytest.mark.parametrize("name", ["", "nope.js", "../../index.html", "..%2F..%2Findex.html", "%00", "x" * 5000])
async def test_other_files_are_not_found(client: Client, name: str) -> None:
    response = await client.http.get(f"{graphiql.ASSETS_PATH}/{name}")
    assert response.status_code == 404
    assert "cache-control" not in response.headers


async def test_a_missing_page_says_how_to_build_it(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(graphiql, "_STATIC", tmp_path / "none")
    response = await client.http.get("/graphql", headers=BROWSER)
    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "make setup" in response.text
    assert await client.query("{ summary { orders } }")


EXAMPLES = sorted(path.stem for path in WEB.glob("examples/*.graphql"))


@pytest.mark.parametrize("example", EXAMPLES)
async def test_the_examples_of_graphiql_run(client: Client, example: str) -> None:
    document, variables = read(example)
    parsed = parse(document)
    assert validate(schema._schema, parsed) == []
    (operation,) = parsed.definitions
    assert isinstance(operation, OperationDefinitionNode)
    if operation.operation is OperationType.QUERY:
        assert await client.query(document, **variables)


async def test_the_example_mutation_selects_its_result(own: tuple[FastAPI, Client]) -> None:
    app, client = own
    document, variables = read("8-authorize-order")
    variables["input"]["strategy"]["name"] = STRATEGY
    await prepare(app.state.context.database, "20000")
    answers = [(await client.query(document, **variables))["authorizeOrder"]]
    for changes in ({"quantity": "1"}, {"quantity": "1", "clientOrderId": "GRAPHIQL-2"}, {"quantity": "0"}):
        changed = {"input": {**variables["input"], **changes}}
        answers.append((await client.query(document, **changed))["authorizeOrder"])
    names = ["OrderAuthorized", "Conflict", "OrderDenied", "InvalidInput"]
    assert [answer["__typename"] for answer in answers] == names
    assert answers[0]["budget"] == {"allocated": "20000", "reserved": "11750.0000", "available": "8250.0000"}


def read(example: str) -> tuple[str, dict[str, Any]]:
    """The document and its variables."""
    variables = WEB / "examples" / f"{example}.json"
    given = orjson.loads(variables.read_bytes()) if variables.exists() else {}
    return (WEB / "examples" / f"{example}.graphql").read_text(), given
