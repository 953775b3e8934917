"""What an act is answered with: the rows that it was about, as they stand after it."""

from collections.abc import Awaitable, Sequence
from typing import Any

from app.principal import Principal
from app.reads import Key, Want
from app.reads.plans import plan_for
from app.reads.shape import Shape
from app.resolvers.context import Context


def check_question(shape: Shape, want: Want) -> None:
    """Raises BadInputError where no statement can answer it."""
    plan_for(shape, want)


def look_up(
    context: Context, principal: Principal, shape: Shape, want: Want, values: Sequence[Any], keys: Sequence[Key]
) -> Awaitable[list[bytes | None]]:
    """The objects that have these keys, in their order; None where there is none that the principal may see.

    Many at once, and those of many requests, are one statement: the keys are taken when this is called. `values` are
    those beside the keys. What it answers raises BadInputError, DatabaseUnavailable, QuestionTooSlow.
    """
    return context.lookups.find(context.database, principal, shape, want, values, keys)
