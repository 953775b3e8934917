"""Schemas of `/health` and `/health/ready`."""

from typing import Annotated

from pydantic import BaseModel, Field, WithJsonSchema

from rest_compat.schemas.scalars import example


class Health(BaseModel):
    """The process is alive."""

    model_config = example(status="ok")

    status: Annotated[str, WithJsonSchema({"type": "string", "const": "ok"})]


class DatabaseCheck(BaseModel):
    """Whether the database answers, and the revision of its schema."""

    is_reachable: bool
    schema_revision: Annotated[str | None, Field(description="Null if the database does not answer.")]
    schema_expected: Annotated[str, Field(description="The revision that this release requires.")]


class FeedCheck(BaseModel):
    """The state of this process's change feed."""

    is_connected: bool
    lag_seconds: Annotated[
        float, Field(description="How long the oldest stored change has waited for earlier transactions to end.")
    ]


class RegistryCheck(BaseModel):
    """The age of this process's registry of budgets."""

    age_seconds: Annotated[float | None, Field(description="Every older change is included; null if never read.")]


class Readiness(BaseModel):
    """Whether the process can serve requests."""

    model_config = example(
        status="ready",
        database={"is_reachable": True, "schema_revision": "0006", "schema_expected": "0006"},
        feed={"is_connected": True, "lag_seconds": 0.0},
        registry={"age_seconds": 0.4},
    )

    status: Annotated[str, WithJsonSchema({"type": "string", "enum": ["ready", "not ready"]})]
    database: DatabaseCheck
    feed: FeedCheck
    registry: RegistryCheck
