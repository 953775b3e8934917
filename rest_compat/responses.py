"""Responses whose bodies are the bytes that PostgreSQL wrote."""

from functools import lru_cache
from urllib.parse import quote, urlencode

from fastapi import Request, Response

from app.reads.compiled import Answer
from app.reads.query import Selected, Selection
from app.resolvers import Context
from rest_compat.queries import OFFSET_MAX, PageQuery
from rest_compat.strict_route import read_query

JSON = "application/json"
VALUATION_HEADER = "X-Valuation"
VALUATION_HEADERS = {
    VALUATION_HEADER: {
        "description": "`RECORDED` if the terms of every instrument behind the amounts are recorded, else `ASSUMED`.",
        "required": True,
        "schema": {"type": "string", "enum": ["RECORDED", "ASSUMED"]},
    }
}


def context_of(request: Request) -> Context:
    """The process's resolver context."""
    context: Context = request.app.state.context
    return context


def json_response(body: bytes, status: int = 200) -> Response:
    """One JSON value."""
    return Response(body, status, media_type=JSON)


def valued(selection: Selection, source: str = "valuation") -> Selection:
    """The selection with a valuation, as `valued_response` expects it; `source` is its name in the catalogue."""
    return Selection((*selection.fields, Selected(source, "valuation")))


def valued_response(body: bytes) -> Response:
    """A JSON object whose last key, `valuation`, is moved to a header."""
    rest, _, valuation = body.rpartition(b',"valuation":"')
    return Response(rest + b"}", media_type=JSON, headers={VALUATION_HEADER: valuation.removesuffix(b'"}').decode()})


def validated_response(request: Request, body: bytes, digest: str, headers: dict[str, str]) -> Response:
    """JSON with an ETag made of `digest`; 304 if the client has this version."""
    etag = f'"{digest}"'
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", **headers}
    if etag in known or "*" in known:
        return Response(None, 304, headers)
    return Response(body, media_type=JSON, headers=headers)


def list_response(request: Request, answer: Answer, page: PageQuery) -> Response:
    """A JSON array, with the row count of the whole list and the next page's address in headers."""
    total = answer.total or 0
    headers = {"X-Total-Count": str(total)}
    following = page.offset + page.limit
    if following < total and following <= OFFSET_MAX:
        scope = request.scope
        path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        headers["Link"] = f'<{_at_offset(path, scope["query_string"], page.limit, following)}>; rel="next"'
    return Response(answer.body, media_type=JSON, headers=headers)


@lru_cache(maxsize=256)
def _at_offset(path: bytes, query_string: bytes, limit: int, offset: int) -> str:
    """The request's path and query with another offset."""
    parameters = {**read_query(query_string), "limit": str(limit), "offset": str(offset)}
    return f"{quote(path, safe='/%:@!$&()*+,;=~-._')}?{urlencode(parameters)}"
