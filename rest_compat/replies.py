"""Responses made of bytes that PostgreSQL wrote."""

from urllib.parse import quote, urlencode

from fastapi import Request, Response

from app.reads import Answer
from app.reads.fill_statistics import Sums
from app.resolvers import Context
from rest_compat.queries import OFFSET_MAX, PageQuery
from rest_compat.strict_route import read_query

JSON = "application/json"
VALUATION_HEADER = "X-Valuation"
VALUATION_HEADERS = {
    VALUATION_HEADER: {
        "description": "What the amounts rest on: `RECORDED` where the terms of every instrument behind them are "
        "recorded, else `ASSUMED`.",
        "required": True,
        "schema": {"type": "string", "enum": ["RECORDED", "ASSUMED"]},
    }
}


def context_of(request: Request) -> Context:
    """The process's means, put there when it started."""
    context: Context = request.app.state.context
    return context


def json_reply(body: bytes, status: int = 200) -> Response:
    """One JSON value."""
    return Response(body, status, media_type=JSON)


def sums_reply(sums: Sums) -> Response:
    """One JSON value of sums; what they rest on rides in a header."""
    return Response(sums.body, media_type=JSON, headers={VALUATION_HEADER: sums.valuation})


def valued_reply(body: bytes) -> Response:
    """One JSON object that was selected with its valuation as the last key, which rides in a header instead."""
    shown, _, valuation = body.rpartition(b',"valuation":"')
    return Response(shown + b"}", media_type=JSON, headers={VALUATION_HEADER: valuation.removesuffix(b'"}').decode()})


def validated_reply(request: Request, body: bytes, digest: str, headers: dict[str, str]) -> Response:
    """One JSON value with a validator; 304 where the client has it already. `digest` names the body's content."""
    etag = f'"{digest}"'
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", **headers}
    if etag in known or "*" in known:
        return Response(None, 304, headers)
    return Response(body, media_type=JSON, headers=headers)


def list_reply(request: Request, answer: Answer, page: PageQuery) -> Response:
    """A JSON array; how many rows the whole list has, and where its next page is, ride in headers."""
    total = answer.total or 0
    headers = {"X-Total-Count": str(total)}
    following = page.offset + page.limit
    if following < total and following <= OFFSET_MAX:
        headers["Link"] = f'<{_at_offset(request, page.limit, following)}>; rel="next"'
    return Response(answer.body, media_type=JSON, headers=headers)


def _at_offset(request: Request, limit: int, offset: int) -> str:
    """This request's own address with another offset, relative to the server."""
    path = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    others = {**read_query(request.scope["query_string"]), "limit": str(limit), "offset": str(offset)}
    return f"{quote(path, safe='/%:@!$&()*+,;=~-._')}?{urlencode(others)}"
