"""`/docs` (Swagger UI) and `/redoc`, complete without internet access.

FastAPI's own pages load scripts from a CDN. Here `make setup` copies them from npm's packages into `static`, the wheel
carries them (docs/adr/0030-libraries.md), and a content security policy makes the browser refuse every other host.
"""

from functools import partial
from pathlib import Path
from string import Template

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

ASSETS_PATH = "/docs/assets"
STATIC = Path(__file__).with_name("static")

_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title: $name</title>
<link rel="icon" href="$root/docs/assets/favicon-32x32.png">
$content
</html>
"""
)
_SWAGGER_UI = """<link rel="stylesheet" href="$root/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui" data-url="$root/openapi.json"></div>
<script src="$root/docs/assets/swagger-ui-bundle.js"></script>
<script src="$root/docs/assets/swagger-start.js"></script>
</body>"""
_REDOC = """<style>body { margin: 0 }</style>
</head>
<body>
<redoc spec-url="$root/openapi.json"></redoc>
<script src="$root/docs/assets/redoc.standalone.js"></script>
</body>"""
_NOT_BUILT = """</head>
<body>
<h1>$title</h1>
<p>The REST API works here; its description is <a href="$root/openapi.json">openapi.json</a>.</p>
<p>$name, this page, was not built into this installation. In a checkout of Purser, <code>make setup</code> builds it,
and so does <code>make run</code>.</p>
</body>"""


def add_pages(app: FastAPI) -> None:
    """Serve both pages and the files that they load."""

    async def page(name: str, content: str, script: str, request: Request) -> Response:
        is_built = (STATIC / script).is_file()
        template = Template(_PAGE.safe_substitute(content=content if is_built else _NOT_BUILT))
        root = request.scope.get("root_path", "").rstrip("/")
        text = template.substitute(title=app.title, name=name, root=root)
        return HTMLResponse(text, 200 if is_built else 404, {"Content-Security-Policy": _POLICY})

    swagger_ui = partial(page, "Swagger UI", _SWAGGER_UI, "swagger-ui-bundle.js")
    redoc = partial(page, "Redoc", _REDOC, "redoc.standalone.js")
    app.router.add_route("/docs", swagger_ui, name="swagger_ui", include_in_schema=False)
    app.router.add_route("/redoc", redoc, name="redoc", include_in_schema=False)
    app.router.mount(ASSETS_PATH, _Assets(directory=STATIC, check_dir=False))


class _Assets(StaticFiles):
    async def check_config(self) -> None:
        """Accept a missing directory: the pages were not built, and every file is answered with 404."""
