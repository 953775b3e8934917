"""Redirects (307) a path with a trailing slash to the path without it, if a route matches that one.

FastAPI's own redirects contain the whole URL: with the request's Host header, a scheme that a proxy hides, and the path
decoded. Here `Location` is the path as sent, without its trailing slashes (docs/adr/0019-rest-compatibility.md).
"""

from urllib.parse import quote, unquote_to_bytes

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._"
_QUERY_CHARACTERS = _PATH_CHARACTERS + "?[]"


def add_slash_redirects(app: Starlette) -> None:
    """Redirect requests that no route matches. Authentication runs first: a wrong key is refused here as well."""
    not_found = app.router.default

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        location = _without_slashes(app, scope) if scope["type"] == "http" else None
        if location is None:
            await not_found(scope, receive, send)
        else:
            await Response(status_code=307, headers={"Location": location})(scope, receive, send)

    app.router.default = answer


def _without_slashes(app: Starlette, scope: Scope) -> str | None:
    """Path and query without the trailing slashes; None if no route matches them."""
    sent: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    path = sent.rstrip(b"/")
    # A client resolves `.` and `..` in `Location`, and would request a different path.
    if path == sent or {b".", b".."} & {unquote_to_bytes(segment) for segment in path.split(b"/")}:
        return None
    # The decoded path is cut by length, because there a trailing `%2F` looks like a slash.
    target = {**scope, "path": scope["path"][: len(path) - len(sent)], "raw_path": path}
    if not any(isinstance(route, Route) and route.matches(target)[0] is not Match.NONE for route in app.router.routes):
        return None
    query: bytes = scope["query_string"]
    return quote(path, safe=_PATH_CHARACTERS) + (f"?{quote(query, safe=_QUERY_CHARACTERS)}" if query else "")
