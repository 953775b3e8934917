"""The files of the documentation pages, and the page that is shown when they were not built."""

from pathlib import Path

import pytest

from rest_compat import pages
from tests.reads.serving import Client, serving

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "name",
    ["", "nope", "%00", "a%00b", "x" * 5000, "../pages.py", "..%2Fpages.py", "%2e%2e/pages.py", "/etc/passwd", "%ff"],
)
async def test_unknown_asset_names_are_not_found(client: Client, name: str) -> None:
    assert (await client.refused(f"/docs/assets/{name}", 404))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/assets/swagger-start.js", "/openapi.json", "/"])
async def test_pages_accept_only_get_and_head(client: Client, path: str) -> None:
    assert (await client.http.head(path)).status_code == 200
    response = await client.http.post(path)
    assert (response.status_code, response.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_a_missing_page_says_how_to_build_it(
    ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "STATIC", tmp_path / "static")
    async with serving(ledger_url) as (_, client):
        for path, name in (("/docs", "Swagger UI"), ("/redoc", "Redoc")):
            response = await client.get(path)
            assert response.status_code == 404
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            assert f"{name}, this page, was not built" in response.text
            assert "<code>make setup</code>" in response.text
            assert "<script" not in response.text
        assert (await client.refused("/docs/assets/swagger-ui.css", 404))["code"] == "NOT_FOUND"
        assert (await client.get("/openapi.json")).status_code == 200


@pytest.mark.parametrize("package", ["swagger-ui", "redoc"])
async def test_scripts_are_served_with_their_licences(client: Client, package: str) -> None:
    licence = (await client.get(f"/docs/assets/{package}.LICENSE.txt")).text
    assert {"swagger-ui": "Apache License", "redoc": "The MIT License"}[package] in licence
    script = {"swagger-ui": "swagger-ui-bundle.js", "redoc": "redoc.standalone.js"}[package]
    assert (await client.get(f"/docs/assets/{script}.LICENSE.txt")).status_code == 200
