"""Shapes of `/health` and `/health/ready`."""

from typing import Annotated

from pydantic import BaseModel, Field, WithJsonSchema

from rest_compat.schemas.scalars import example


class Health(BaseModel):
    """The process is alive."""

    model_config = example(status="ok")

    status: Annotated[str, WithJsonSchema({"type": "string", "const": "ok"})]


class DatabaseCheck(BaseModel):
    """Whether the database answers, and with which schema."""

    is_reachable: bool
    schema_revision: Annotated[str | None, Field(description="Null where it does not answer.")]
    schema_expected: Annotated[str, Field(description="This release's.")]


class FeedCheck(BaseModel):
    """Whether this process hears of changes."""

    is_connected: bool
    lag_seconds: Annotated[
        float, Field(description="How long the oldest stored change has waited for transactions before it to end.")
    ]


class RegistryCheck(BaseModel):
    """How fresh this process's registry is."""

    age_seconds: Annotated[float | None, Field(description="Nothing older is missing; null where it was never read.")]


class Readiness(BaseModel):
    """Whether the process can do its work now."""

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
