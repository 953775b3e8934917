"""Schemathesis checks a running service against its own schema."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
import schemathesis
from graphql import get_introspection_query
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from graphql_schema import schema
from graphql_schema.types.scalars import DIGITS_MAX
from tests.graphql_schema.service import running

QUERIES = sorted(schema._schema.query_type.fields)  # type: ignore[union-attr]
MUTATIONS = sorted(schema._schema.mutation_type.fields)  # type: ignore[union-attr]
ALLOWED_CODES = {"BAD_REQUEST", "CURSOR_INVALID", "PAGE_TOO_LARGE", "COST_EXCEEDED", "SIGNAL_CONFLICT"}
"""Codes of requests that the schema allows: `first` with `last`, a malformed cursor, too high a cost, a used id."""


# The range of years of a DateTime is only in its description.
schemathesis.graphql.scalar(
    "DateTime",
    strategies.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(
        lambda instant: schemathesis.graphql.nodes.String(f"{instant.isoformat()}Z")
    ),
)

schemathesis.graphql.scalar(
    "Decimal",
    # So is the maximum number of digits of a Decimal: 1E-300 has too many.
    strategies.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**40)
    .filter(lambda number: min(number.adjusted(), int(number.as_tuple().exponent)) >= -DIGITS_MAX)
    .map(lambda number: schemathesis.graphql.nodes.String(str(number))),
)
schemathesis.graphql.scalar("JSON", strategies.text(max_size=20).map(schemathesis.graphql.nodes.String))


EXAMPLES = pytest.mark.parametrize("examples", [10, pytest.param(200, marks=pytest.mark.long)])


@pytest.fixture(scope="module")
def service(ledger_url: str) -> Iterator[str]:
    with running(ledger_url) as address:
        yield f"{address}/graphql"


@pytest.fixture(scope="module")
def description(service: str) -> dict[str, Any]:
    """The introspected schema of the service."""
    answer = httpx.post(service, json={"query": get_introspection_query()})
    return answer.json()["data"]  # type: ignore[no-any-return]


@EXAMPLES
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("field", QUERIES)
def test_queries_match_the_schema(
    service: str, description: dict[str, Any], field: str, mode: GenerationMode, examples: int
) -> None:
    run_generated_queries(service, description, "Query", field, mode, examples)


@EXAMPLES
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("field", MUTATIONS)
def test_mutations_match_the_schema(
    database_url: str, description: dict[str, Any], field: str, mode: GenerationMode, examples: int
) -> None:
    with running(database_url) as address:
        run_generated_queries(f"{address}/graphql", description, "Mutation", field, mode, examples)


def run_generated_queries(
    service: str, description: dict[str, Any], root: str, field: str, mode: GenerationMode, examples: int
) -> None:
    """Runs generated queries; each is answered or refused."""
    operation = schemathesis.graphql.from_dict(description)[root][field]

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        try:
            case.call_and_validate(base_url=service)
        except FailureGroup as found:
            if remaining := [failure for failure in found.exceptions if not is_refusal(failure)]:
                errors = [getattr(failure, "errors", None) for failure in remaining]
                raise AssertionError(f"{case.body}: {errors}") from FailureGroup(remaining)

    check()


def is_refusal(failure: BaseException) -> bool:
    errors = getattr(failure, "errors", None)
    # The generator does not know @oneOf; after many such errors the validation stops.
    excused = ("OneOf Input Object", "Too many validation errors")
    serious = [error for error in errors or () if not any(one in error["message"] for one in excused)]
    return bool(errors) and {error["extensions"]["code"] for error in serious} <= ALLOWED_CODES
