"""Documents: parsed and validated once, kept within bounds."""

import pytest
from starlette.routing import Route

from graphql_schema.errors import RequestRefused
from graphql_schema.http.application import GraphQLEndpoint
from graphql_schema.http.documents import CHARACTERS_KEPT_MAX
from tests.graphql_schema.endpoint_documents import new_documents
from tests.reads.serving import Client, serving


@pytest.mark.anyio
async def test_a_repeated_document_is_neither_parsed_nor_validated(ledger_url: str) -> None:
    async with serving(ledger_url) as (app, http):
        (endpoint,) = [
            route.app
            for route in app.router.routes
            if isinstance(route, Route) and isinstance(route.app, GraphQLEndpoint)
        ]
        documents = endpoint.documents
        await query_with_different_variables(http)
        assert documents.prepared == 1
        assert len(documents) == 1


async def query_with_different_variables(client: Client) -> None:
    for size in (1, 2, 3):
        found = await client.query("query($n:Int){orders(first:$n){nodes{id}}}", n=size)
        assert len(found["orders"]["nodes"]) == size


def test_a_document_is_cached() -> None:
    documents = new_documents()
    assert documents.find("{summary{orders}}") is documents.find("{summary{orders}}")
    assert documents.prepared == 1


def test_an_invalid_document_is_not_cached() -> None:
    documents = new_documents()
    for text in ("{", "{a}", "fragment F on Query{summary{orders}}", "{" * 5000):
        with pytest.raises(RequestRefused):
            documents.find(text)
    assert len(documents) == 0


def test_the_least_recently_used_document_is_evicted() -> None:
    documents = new_documents(graphql_documents_max=2)
    first, second, third = (f"{{summary{{{name}}}}}" for name in ("orders", "fills", "signals"))
    kept = documents.find(first)
    documents.find(second)
    documents.find(first)
    documents.find(third)
    assert documents.find(first) is kept
    assert (len(documents), documents.prepared) == (2, 3)


def test_the_total_length_of_cached_documents_is_limited() -> None:
    documents = new_documents()
    length = 200_000
    for number in range(10):
        documents.find(f'{{a{number}:orders(after:"{"x" * length}"){{totalCount}}}}')
    assert len(documents) == CHARACTERS_KEPT_MAX // length
