"""Any valid question has the answer that plain graphql-core gives over the same rows: values, nulls, order of keys."""

from dataclasses import dataclass, field
from decimal import localcontext
from typing import Any

import pytest
from graphql import execute_sync, parse, validate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.differential.documents import Document
from tests.differential.reference import Reference
from tests.differential.rows import ROWS
from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

PARTS = 5
"""Parts that the work is cut into, so that it can use several processors."""

REFERENCE = Reference(ROWS)

documents = st.builds(Document, st.randoms(use_true_random=False), st.just(REFERENCE))


def comparison_settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        database=None,
    )


def ordered(value: Any) -> Any:
    """Objects as lists of pairs: the order of keys is part of the answer."""
    if isinstance(value, dict):
        return [(key, ordered(item)) for key, item in value.items()]
    return [ordered(item) for item in value] if isinstance(value, list) else value


async def compare(client: Client, document: "Document | StaticDocument") -> None:
    parsed = parse(document.text)
    assert validate(REFERENCE.schema, parsed) == [], document.text
    with localcontext(prec=200):
        expected = execute_sync(REFERENCE.schema, parsed, variable_values=document.variables)
    assert expected.errors is None, (document.text, document.variables, expected.errors)
    answer = await client.graphql(document.text, **document.variables)
    assert "errors" not in answer, (document.text, document.variables, answer)
    assert ordered(answer["data"]) == ordered(expected.data), (document.text, document.variables)


@dataclass(frozen=True)
class StaticDocument:
    """A document that was written by hand."""

    text: str
    variables: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    "selected", ["positionId", "id side valuation fills(first: 3) { nodes { tradeId } totalCount }"]
)
async def test_discrepancies_have_the_same_positions(purser: Client, selected: str) -> None:
    await compare(
        purser, StaticDocument(f"{{ discrepancies {{ nodes {{ eventId kind position {{ {selected} }} }} }} }}")
    )


@pytest.mark.parametrize("part", range(PARTS))
@given(document=documents)
@comparison_settings(60)
async def test_random_queries_have_the_results_of_graphql_core(purser: Client, part: int, document: Document) -> None:
    await compare(purser, document)


@pytest.mark.long
@given(document=documents)
@comparison_settings(5_000)
async def test_thousands_of_random_queries_have_the_results_of_graphql_core(purser: Client, document: Document) -> None:
    await compare(purser, document)
