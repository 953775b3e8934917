"""The route class of the REST paths: FastAPI documents the endpoint, this class parses the request.

It is stricter and faster than FastAPI: it refuses unknown and repeated parameters and bytes that are not UTF-8, and
keeps an escaped `/` (`%2F`) inside its path segment. A known parameter without a value counts as omitted.
"""

import inspect
import json
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, get_type_hints
from urllib.parse import parse_qsl, unquote

from fastapi import Depends, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from app.authentication.middleware import principal_of
from app.errors import BadInputError
from app.principal import Principal
from rest_compat.queries import NoQuery

BODY_BYTES_MAX = 4096
QUERIES_CACHED = 256
"""Parsed query strings kept by each route."""
QUERY_BYTES_CACHED_MAX = 512
_QUERY_FIELDS_MAX = 100
_SLASH_INSIDE = "\ud800"
"""Replaces an escaped `/` while a path is matched: no decoded text contains a lone surrogate."""
_KEY = "A key created by `purser keys create`. Not required until the first key exists."
_BEARER = HTTPBearer(scheme_name="Bearer", description=_KEY)
_HEADER = APIKeyHeader(name="X-API-Key", scheme_name="X-API-Key", description=_KEY)


def _documented(_: Annotated[None, Security(_BEARER)], __: Annotated[None, Security(_HEADER)]) -> None:
    """Never called: FastAPI only describes it."""


Caller = Annotated[Principal, Depends(_documented)]
"""The calling principal as an endpoint's argument: documented by FastAPI, filled in by `StrictRoute`."""


class StrictRoute(APIRoute):
    """Calls the endpoint with `request`, the path's parameters, and `principal`, `query` and `body` if declared."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        hints = get_type_hints(endpoint)
        self._takes_query = "query" in hints
        self._query_model: type[BaseModel] = hints.get("query", NoQuery)
        self._body_model: type[BaseModel] | None = hints.get("body")
        self._takes_principal = "principal" in hints
        self._parse_query_cached = lru_cache(QUERIES_CACHED)(self._parse_query)
        self._path_types = {
            name: TypeAdapter(hint)
            for name, hint in hints.items()
            if name in self.param_convertors and name in inspect.signature(endpoint).parameters
        }

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a path whose segments are decoded one by one; HEAD matches like GET."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        raw_path: bytes = scope.get("raw_path") or b""
        if b"%2" not in raw_path:
            return super().matches(scope)
        segments = raw_path.decode("latin-1").split("/")
        path = "/".join(unquote(segment).replace("/", _SLASH_INSIDE) for segment in segments)
        match, child_scope = super().matches({**scope, "path": path})
        if "path_params" in child_scope:
            child_scope["path_params"] = {
                name: value.replace(_SLASH_INSIDE, "/") for name, value in child_scope["path_params"].items()
            }
        return match, child_scope

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the endpoint and send its response. Errors go to the application's handlers."""
        if (scope["method"] if scope["method"] != "HEAD" else "GET") not in (self.methods or ()):
            raise HTTPException(405, headers={"Allow": ", ".join(_methods_of(scope))})
        arguments: dict[str, Any] = {"principal": principal_of(scope)} if self._takes_principal else {}
        for name, type_ in self._path_types.items():
            arguments[name] = _checked(type_, name, scope["path_params"][name])
        query = self._query(scope["query_string"])
        if self._takes_query:
            arguments["query"] = query
        if self._body_model is not None:
            arguments["body"] = _body(await _read_body(receive), self._body_model)
        response = await self.endpoint(request=Request(scope, receive), **arguments)
        await response(scope, receive, send)

    def _query(self, query_string: bytes) -> Any:
        """The parameters as the endpoint's frozen model. Clients repeat the same few query strings."""
        if len(query_string) > QUERY_BYTES_CACHED_MAX:
            return self._parse_query(query_string)
        return self._parse_query_cached(query_string)

    def _parse_query(self, query_string: bytes) -> Any:
        known = self._query_model.model_fields
        # Older clients send `limit=` for no limit.
        given = {name: value for name, value in read_query(query_string).items() if value or name not in known}
        try:
            return self._query_model.model_validate(given)
        except ValidationError as error:
            raise BadInputError(_explained(error, self._query_model)) from error


def read_query(query_string: bytes) -> dict[str, str]:
    """Parameters by name. Raises BadInputError for repeated names and bytes that are not UTF-8."""
    try:
        pairs = parse_qsl(
            query_string.decode(), keep_blank_values=True, errors="strict", max_num_fields=_QUERY_FIELDS_MAX
        )
    except UnicodeDecodeError as error:
        raise BadInputError("The query string is not UTF-8.") from error
    except ValueError as error:
        raise BadInputError(f"The query string has more than {_QUERY_FIELDS_MAX} parameters.") from error
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise BadInputError(f"Given more than once: {_listed(repeated)}.")
    return values


def _methods_of(scope: Scope) -> list[str]:
    """All methods that routes of the path accept."""
    routes = (route for route in scope["app"].router.routes if isinstance(route, StrictRoute))
    methods = {
        method for route in routes if route.matches(scope)[0] is not Match.NONE for method in route.methods or ()
    }
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def _read_body(receive: Receive) -> bytes:
    """Raises HTTPException for a body of more than BODY_BYTES_MAX."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "The client disconnected.")
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise HTTPException(413, f"The body has more than {BODY_BYTES_MAX} bytes.", {"Connection": "close"})
        if not message.get("more_body", False):
            return body


def _body(body: bytes, model: type[BaseModel]) -> Any:
    """Parse the body to a model; every JSON number becomes a Decimal with all its digits. Raises BadInputError."""
    try:
        parsed = json.loads(
            body.decode(),
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_refuse_repeated_names,
        )
        return model.model_validate(parsed)
    except ValidationError as error:
        raise BadInputError(_explained(error, model)) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise BadInputError("The body is not a JSON object of finite numbers, each name once, in UTF-8.") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _refuse_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("repeated name")
    return found


def _checked(type_: TypeAdapter[Any], name: str, value: str) -> Any:
    try:
        return type_.validate_python(value)
    except ValidationError as error:
        raise BadInputError(f"{name}: {error.errors()[0]['msg']}.") from error


def _explained(error: ValidationError, model: type[BaseModel]) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    unknown = [str(problem["loc"][0]) for problem in problems if problem["type"] == "extra_forbidden"]
    texts = [
        f"{problem['loc'][0] if problem['loc'] else 'body'}: {problem['msg'].removeprefix('Value error, ')}."
        for problem in problems
        if problem["type"] not in ("extra_forbidden", "none_required")
    ]
    if unknown:
        texts.insert(0, f"Unknown parameters: {_listed(unknown)}; known here: {_listed(model.model_fields) or 'none'}.")
    return " ".join(texts)


def _listed(names: Any) -> str:
    return ", ".join(name[:100] for name in names)
