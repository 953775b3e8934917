"""Persisted queries: the client sends a name instead of the text.

*Automatic* ones (Apollo's protocol): a client sends the SHA-256 of its query, and its text too where the server does
not know it. An *allow-list* has all queries that may be executed.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from app.errors import SettingsInvalid
from graphql_schema.errors import RequestCode, refusal
from graphql_schema.http.requests import GraphQLRequest, malformed

CHARACTERS_KEPT_MAX = 4 * 1024 * 1024
"""Most text of all remembered queries together."""

_SHA256 = re.compile("[0-9a-f]{64}")


class PersistedQueries:
    """Queries that clients have registered, those used last."""

    def __init__(self, queries_max: int) -> None:
        self._queries_max = queries_max
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    def text_of(self, request: GraphQLRequest) -> str:
        """The text sent, or the one known by its hash. Raises RequestRefused."""
        named = _hash_of(request)
        if request.query is not None:
            return request.query
        if named is None or (text := self._texts.get(named)) is None:
            raise refusal(RequestCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        self._texts.move_to_end(named)
        return text

    def remember(self, request: GraphQLRequest) -> None:
        """Keep a query that was sent with its hash."""
        named = _hash_of(request)
        if named is None or request.query is None or named in self._texts:
            return
        self._texts[named] = request.query
        self._characters += len(request.query)
        while self._texts and (len(self._texts) > self._queries_max or self._characters > CHARACTERS_KEPT_MAX):
            _, gone = self._texts.popitem(last=False)
            self._characters -= len(gone)

    def __len__(self) -> int:
        return len(self._texts)


class AllowList:
    """The only queries that may be executed, from a file; by their text, their SHA-256 or the file's name for them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = {**texts, **{_sha256(text): text for text in texts.values()}}
        self._allowed = frozenset(texts.values())

    @classmethod
    def read(cls, file: Path) -> "AllowList":
        """Read a manifest: a JSON object from id to query, or Apollo's list of operations. Raises SettingsInvalid."""
        try:
            texts = dict(_operations(orjson.loads(file.read_bytes())))
        except OSError as error:
            raise SettingsInvalid(f"PURSER_GRAPHQL_ALLOW_LIST: {file} cannot be read: {error.strerror}.") from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise SettingsInvalid(
                f"PURSER_GRAPHQL_ALLOW_LIST: {file} is no manifest; write a JSON object from id to query."
            ) from None
        return cls(texts)

    def text_of(self, request: GraphQLRequest) -> str:
        """The text, if it is on the list. Raises RequestRefused."""
        named = _hash_of(request)
        text = request.query if request.query is not None else self._texts.get(named or "")
        if text not in self._allowed:
            raise refusal(RequestCode.OPERATION_NOT_ALLOWED, "The operation is not on this server's allow-list.")
        assert text is not None
        return text

    def remember(self, request: GraphQLRequest) -> None:
        """Nothing: the list is what it is."""


def _operations(parsed: Any) -> Iterator[tuple[str, str]]:
    """Id and text of each operation of a manifest."""
    if "operations" in parsed and isinstance(parsed["operations"], list):
        pairs = [(one["id"], one["body"]) for one in parsed["operations"]]
    else:
        pairs = list(parsed.items())
    for name, text in pairs:
        if not isinstance(name, str) or not isinstance(text, str):
            raise TypeError
        yield name, text


def _hash_of(request: GraphQLRequest) -> str | None:
    """The hash by which the request names its query. Raises RequestRefused."""
    named = request.extensions.get("persistedQuery")
    if named is None:
        if request.query is None:
            raise malformed("The request has no query.")
        return None
    if not isinstance(named, dict) or named.get("version") != 1:
        raise malformed("extensions.persistedQuery is an object of version 1.")
    hashed = named.get("sha256Hash")
    if not isinstance(hashed, str) or not _SHA256.fullmatch(hashed.lower()):
        raise malformed("extensions.persistedQuery.sha256Hash is 64 hexadecimal digits.")
    if request.query is not None and _sha256(request.query) != hashed.lower():
        raise malformed("provided sha does not match query")
    return hashed.lower()


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()
