"""The running service against its own schema: schemathesis asks, a real server answers."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from graphql_schema import schema
from tests.graphql_schema.service import running

QUERIES = sorted(schema._schema.query_type.fields)  # type: ignore[union-attr]
SCHEMA_CANNOT_SAY = {"BAD_REQUEST", "CURSOR_INVALID", "PAGE_TOO_LARGE", "COST_EXCEEDED"}
"""Refusals of what the schema allows: `first` and `last` at once, a text that is no cursor, too much."""


# A DateTime's years are told in its description only.
schemathesis.graphql.scalar(
    "DateTime",
    strategies.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(
        lambda instant: schemathesis.graphql.nodes.String(f"{instant.isoformat()}Z")
    ),
)


@pytest.fixture(scope="module")
def service(ledger_url: str) -> Iterator[str]:
    with running(ledger_url) as address:
        yield f"{address}/graphql"


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("field", QUERIES)
def test_the_service_does_what_its_schema_says(service: str, field: str, mode: GenerationMode) -> None:
    operation = schemathesis.graphql.from_url(service)["Query"][field]

    @settings(
        max_examples=30,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        try:
            case.call_and_validate()
        except FailureGroup as found:
            if remaining := [failure for failure in found.exceptions if not is_refusal(failure)]:
                raise FailureGroup(remaining) from None

    ask()


def is_refusal(failure: BaseException) -> bool:
    errors = getattr(failure, "errors", None)
    return bool(errors) and {error["extensions"]["code"] for error in errors or ()} <= SCHEMA_CANNOT_SAY
