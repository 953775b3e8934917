"""Lookups by key, batched: those of one turn of the event loop are one statement.

The objects in a mutation's payload are read after its commit. Mutations of one group commit look their objects up in
the same turn: a hundred orders of one request, or one order each of a hundred.
"""

import asyncio
from collections.abc import Awaitable, Generator, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.database import Database
from app.principal import Principal
from app.reads.compiled import fetch_by_keys
from app.reads.entity import Entity
from app.reads.query import ReadQuery

KEYS_MAX = 5_000
"""Most keys of one statement; further ones start the next."""

Key: TypeAlias = tuple[Any, ...]
"""Values of the columns in `ReadQuery.by`."""


@dataclass(slots=True)
class _Gathered:
    """The keys of one statement, each once, with its place; and the task that fetches their objects."""

    places: dict[Key, int] = field(default_factory=dict)
    task: "asyncio.Task[list[bytes | None]] | None" = None


class Lookups:
    """The look-ups of one process."""

    def __init__(self) -> None:
        self._gathering: dict[Hashable, _Gathered] = {}

    def find(
        self,
        database: Database,
        principal: Principal,
        entity: Entity,
        query: ReadQuery,
        values: Sequence[Any],
        keys: Sequence[Key],
    ) -> Awaitable[list[bytes | None]]:
        """The objects that have these keys, in their order, as JSON; None where there is none.

        The keys are taken at once, not when the answer is awaited. `values` are those of the slots after the keys' own.
        Raises BadInputError, DatabaseUnavailable, QueryTimeout.
        """
        # Requests of several principals share a statement if they may see the same rows.
        alike = (id(database), principal.strategy_ids, entity, query, hashable(values))
        gathered = self._gathering.get(alike)
        if gathered is None:
            gathered = self._gathering[alike] = _Gathered()

            async def answer(of: _Gathered) -> list[bytes | None]:
                self._close(alike, of)
                columns = [list(column) for column in zip(*of.places, strict=True)]
                return await fetch_by_keys(database, principal, entity, query, [*columns, *values])

            gathered.task = asyncio.get_running_loop().create_task(answer(gathered))
            gathered.task.add_done_callback(_retrieve_error)
        places = gathered.places
        found = [places.setdefault(key, len(places)) for key in keys]
        if len(places) >= KEYS_MAX:
            self._close(alike, gathered)
        assert gathered.task is not None
        return _Found(gathered.task, found)

    def _close(self, alike: Hashable, gathered: _Gathered) -> None:
        """Take no more keys."""
        if self._gathering.get(alike) is gathered:
            del self._gathering[alike]


class _Found:
    """Awaitable result for one caller. May be dropped without being awaited."""

    __slots__ = ("_places", "_task")

    def __init__(self, task: "asyncio.Task[list[bytes | None]]", places: list[int]) -> None:
        self._task = task
        self._places = places

    def __await__(self) -> Generator[Any, None, list[bytes | None]]:
        # A cancelled caller must not cancel the statement that others await.
        found = yield from asyncio.shield(self._task).__await__()
        return [found[place] for place in self._places]


def _retrieve_error(task: "asyncio.Task[list[bytes | None]]") -> None:
    """Retrieve the error of a task that no caller awaits: asyncio would log it."""
    if not task.cancelled():
        task.exception()


def hashable(values: Sequence[Any]) -> Hashable:
    """Lists as tuples; texts, ids, numbers and instants are hashable themselves."""
    return tuple([tuple(value) if type(value) is list else value for value in values])
