"""GraphiQL on `/graphql`, for browsers, whole without the internet: nothing on the page comes from elsewhere.

`make setup` builds the page from `web` into `static`, and the wheel carries it: docs/adr/0007-graphiql.md.
"""

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ASSETS_PATH = "/graphql/assets"

_STATIC = Path(__file__).parents[1] / "static"
# The editor, Monaco, styles its text with inline styles and brings its icons as a font in the style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Vary": "Accept",
}
_ASSET_HEADERS = {
    # Workers go by the policy that they themselves come with.
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # A file's name changes with its content.
    "Cache-Control": "public, max-age=31536000, immutable",
}
_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Purser: GraphQL</title></head>
<body>
<h1>Purser</h1>
<p>GraphQL works here: send a POST with a JSON object that has a <code>query</code>.</p>
<p>GraphiQL, the page to explore it with, was not built into this installation. In a checkout of Purser,
<code>make setup</code> builds it, and so does <code>make run</code>.</p>
</body>
</html>
"""


def routes(path: str) -> list[BaseRoute]:
    """The page at `path`, for browsers only, and what it loads.

    They stand before the endpoint at the same `path`: requests that want no page fall through to it.
    """
    assets = _Assets(directory=_STATIC / ASSETS_PATH.lstrip("/"), check_dir=False)
    return [_PageRoute(path, page_response), Mount(ASSETS_PATH, assets)]


def wants_page(accept: str) -> bool:
    """Whether an Accept header puts HTML before every kind of JSON, as browsers do for what they navigate to."""
    weights = _weights(accept)
    json = (_weight(weights, "application", kind) for kind in ("json", "graphql-response+json"))
    return _weight(weights, "text", "html") > max(json)


def page_response(request: Request) -> Response:
    """The page; where it was not built, 404 and what to do. Reads a file of a few hundred bytes."""
    try:
        page = (_STATIC / "index.html").read_bytes()
    except FileNotFoundError:
        return HTMLResponse(_NOT_BUILT, 404, _HEADERS)
    headers = {**_HEADERS, "ETag": f'"{sha256(page).hexdigest()[:32]}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(page, headers=headers)


class _PageRoute(Route):
    """Takes browsers' requests alone."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return Match.NONE, {}
        found = super().matches(scope)
        if found[0] is Match.NONE or not wants_page(",".join(Headers(scope=scope).getlist("accept"))):
            return Match.NONE, {}
        return found


class _Assets(StaticFiles):
    async def check_config(self) -> None:
        """No directory is no mistake: the page was not built, and every file is not found."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(_ASSET_HEADERS)
        return response


def _weights(accept: str) -> dict[str, float]:
    """Media ranges and their weights; what is no weight counts as 1, as if it was not there."""
    weights = {}
    for one in accept.lower().split(","):
        media, *parameters = (part.strip() for part in one.split(";"))
        weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        weights[media] = float(weight) if weight.replace(".", "", 1).isdecimal() else 1.0
    return weights


def _weight(weights: Mapping[str, float], kind: str, subtype: str) -> float:
    """Of the most specific range that a media type is in."""
    ranges = (f"{kind}/{subtype}", f"{kind}/*", "*/*")
    return next((weights[one] for one in ranges if one in weights), 0.0)
