"""What a resolver returns instead of an answer: a question, which the executor has answered by one statement."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.reads import Answer, Condition, Key
from app.reads.entity import Entity


@dataclass(frozen=True, slots=True)
class Ask:
    """A entity, and the resolver that answers questions about it: (context, principal, query, values).

    With `where` the field is one object, or null: the one that satisfies the condition, with these values; where its
    type is a plain list, all that do.
    """

    entity: Entity
    resolver: Callable[..., Awaitable[Answer]]
    where: Condition | None = None
    values: Sequence[Any] = ()


class Lookup(NamedTuple):
    """One object by the key that its entity names, in what a mutation answers with.

    All look-ups of a list that select the same are one statement.
    """

    entity: Entity
    key: Key


def asked(
    entity: Entity,
    resolver: Callable[..., Awaitable[Answer]],
    where: Condition | None = None,
    values: Sequence[Any] = (),
) -> Any:
    """The question, in place of the answer that the schema promises."""
    return Ask(entity, resolver, where, values)


async def never(*_: object) -> Any:
    """The resolver of a field below the root, which is never called: the statement of the root field answers."""
    raise NotImplementedError
