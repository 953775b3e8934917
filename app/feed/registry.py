"""The registry: every budget in memory as JSON, ready to be sent. Authorizations never use it."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

import orjson

from app.database.connections import ListeningConnection
from app.errors import DatabaseUnavailable
from app.feed.changes import Change
from app.reads.catalogue.budget import BUDGET
from app.reads.compiled import compiled_query
from app.reads.query import ALL_ROWS, ReadQuery, ResultFormat, Selection

SUMMARY = Selection.of(("strategy_id", "currency", "allocated", "reserved", "available", "realized_pnl", "total_fees"))
"""The fields of a budget in the registry."""

_ALL = ReadQuery(SUMMARY, ResultFormat.EACH, ALL_ROWS)
_SOME = ReadQuery(SUMMARY, ResultFormat.KEYED, by=("strategy_id", "currency"))


class RegistryPage(NamedTuple):
    """The registry as JSON, and a digest of it for an ETag."""

    body: bytes
    digest: str


class Registry:
    """All budgets by strategy and currency, kept current by the change feed."""

    entity = "budget"
    reload_seconds = None

    def __init__(self) -> None:
        self._budgets: dict[UUID, dict[str, bytes]] = {}
        self._strategies: dict[UUID, bytes] = {}
        self._is_loaded = False
        self._whole: RegistryPage | None = None

    def page(self, strategy_ids: Iterable[UUID] | None = None) -> RegistryPage:
        """`{"<strategy_id>": {"<currency>": budget}}` of these strategies, or of all; however old, if the database is
        away.

        Raises DatabaseUnavailable if the registry was never loaded.
        """
        if not self._is_loaded:
            raise DatabaseUnavailable("The registry has not been loaded yet; try again shortly.")
        if strategy_ids is not None:
            return _page(self._strategies[one] for one in sorted(strategy_ids) if one in self._strategies)
        if self._whole is None:
            self._whole = _page(part for _, part in sorted(self._strategies.items()))
        return self._whole

    def __len__(self) -> int:
        return sum(map(len, self._budgets.values()))

    async def load(self, connection: ListeningConnection) -> None:
        """Load all budgets."""
        rows = await connection.fetch(compiled_query(BUDGET, _ALL).sql)
        self._budgets = {}
        for row in rows:
            currency = orjson.loads(row["body"])["currency"]
            self._budgets.setdefault(row["strategy_id"], {})[currency] = row["body"]
        self._strategies = {strategy_id: _part(strategy_id, of) for strategy_id, of in self._budgets.items()}
        self._is_loaded, self._whole = True, None

    async def apply(self, connection: ListeningConnection, changes: list[Change]) -> None:
        """Load the changed budgets again."""
        keys = list(dict.fromkeys((change.strategy_id, change.key) for change in changes))
        strategy_ids, currencies = zip(*keys, strict=True)
        rows = await connection.fetch(compiled_query(BUDGET, _SOME).sql, list(strategy_ids), list(currencies))
        for (strategy_id, currency), (body,) in zip(keys, rows, strict=True):
            budgets = self._budgets.setdefault(strategy_id, {})
            if body is None:
                budgets.pop(currency, None)
            else:
                budgets[currency] = body
        for strategy_id, _ in keys:
            if self._budgets[strategy_id]:
                self._strategies[strategy_id] = _part(strategy_id, self._budgets[strategy_id])
            else:
                self._strategies.pop(strategy_id, None)
        self._whole = None


def _part(strategy_id: UUID, budgets: dict[str, bytes]) -> bytes:
    """One strategy's member of the registry, budgets by currency."""
    members = b",".join(b"%b:%b" % (orjson.dumps(currency), body) for currency, body in sorted(budgets.items()))
    return b'"%b":{%b}' % (str(strategy_id).encode(), members)


def _page(parts: Iterable[bytes]) -> RegistryPage:
    body = b"{%b}" % b",".join(parts)
    return RegistryPage(body, blake2b(body, digest_size=16).hexdigest())
