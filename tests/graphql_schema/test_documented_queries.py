"""The GraphQL examples of the README and its pages are valid, also those in a request's body."""

import re
from collections.abc import Iterator

import pytest
from graphql import parse, validate

from graphql_schema import schema
from tests.documentation import BLOCKS


def examples() -> Iterator[str]:
    """The documents of `graphql` blocks and of `sh` blocks, which tests/cli/test_documentation.py runs."""
    for language, block in BLOCKS:
        if language == "graphql":
            yield block
        elif language == "sh":
            yield from re.findall(r"'query=(.*?)'$", block, re.MULTILINE | re.DOTALL)
            yield from re.findall(r'"query": "(.*?)",\n', block)


EXAMPLES = list(examples())


def test_every_kind_of_example_is_found() -> None:
    for found in ("authorizeOrder", "resolveQuarantine", "discrepancies", "scope: ALL", "subscription {", "budgets {"):
        assert any(found in example for example in EXAMPLES), found


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_valid(example: str) -> None:
    assert validate(schema._schema, parse(example)) == []
