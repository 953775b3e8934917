"""The README's GraphQL examples are valid: those that stand by themselves, and those in a request's body."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import parse, validate

from graphql_schema import schema

README = (Path(__file__).parents[2] / "README.md").read_text()


def examples() -> Iterator[str]:
    """Documents; `{ ... }` stands for what is left out."""
    for block in re.findall(r"(?:^    .*\n)+", README, re.MULTILINE):
        if sent := re.search(r'"query":\s*"(.*?)"(?:\}\'|,\n)', block, re.DOTALL):
            yield sent[1]
        else:
            # Several operations in one block are several examples.
            for operation in re.split(r"^    (?=\S)", block, flags=re.MULTILINE):
                if re.match(r"(mutation|query|subscription)\b|\{ ", operation):
                    yield operation.replace("{ ... }", "{ __typename }")


EXAMPLES = list(examples())


def test_all_kinds_of_examples_are_found() -> None:
    for found in ("authorizeOrder", "resolveQuarantine", "discrepancies", "scope: ALL", "subscription {", "budgets {"):
        assert any(found in example for example in EXAMPLES), found


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_valid(example: str) -> None:
    assert validate(schema._schema, parse(example)) == []
