"""`/docs` (Swagger UI) and `/redoc`, whole without the internet: nothing on them comes from elsewhere.

FastAPI's own pages load scripts from a CDN. Here the scripts are in `static` (`vendor` fetches them), and a
content security policy has the browser refuse anything from another host.
"""

from pathlib import Path
from string import Template

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

ASSETS_PATH = "/docs/assets"

_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_SWAGGER = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title: Swagger UI</title>
<link rel="icon" href="$root/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="$root/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui" data-url="$root/openapi.json"></div>
<script src="$root/docs/assets/swagger-ui-bundle.js"></script>
<script src="$root/docs/assets/swagger-start.js"></script>
</body>
</html>
"""
)
_REDOC = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title: Redoc</title>
<link rel="icon" href="$root/docs/assets/favicon-32x32.png">
<style>body { margin: 0 }</style>
</head>
<body>
<redoc spec-url="$root/openapi.json"></redoc>
<script src="$root/docs/assets/redoc.standalone.js"></script>
</body>
</html>
"""
)


def add_pages(app: FastAPI) -> None:
    """Serve both pages and what they load."""

    async def swagger(request: Request) -> Response:
        return _page(_SWAGGER, app, request)

    async def redoc(request: Request) -> Response:
        return _page(_REDOC, app, request)

    app.router.add_route("/docs", swagger, include_in_schema=False)
    app.router.add_route("/redoc", redoc, include_in_schema=False)
    app.router.mount(ASSETS_PATH, StaticFiles(directory=Path(__file__).with_name("static")))


def _page(page: Template, app: FastAPI, request: Request) -> Response:
    root = request.scope.get("root_path", "").rstrip("/")
    return HTMLResponse(page.substitute(title=app.title, root=root), headers={"Content-Security-Policy": _POLICY})
