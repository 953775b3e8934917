"""The files of the documentation pages: those there are, and nothing else."""

import pytest

from tests.reads.serving import Client

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "name",
    ["", "nope", "%00", "a%00b", "x" * 5000, "../pages.py", "..%2Fpages.py", "%2e%2e/pages.py", "/etc/passwd", "%ff"],
)
async def test_other_names_are_not_found(client: Client, name: str) -> None:
    assert (await client.refused(f"/docs/assets/{name}", 404))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/assets/swagger-start.js", "/openapi.json", "/"])
async def test_pages_are_only_read(client: Client, path: str) -> None:
    assert (await client.http.head(path)).status_code == 200
    response = await client.http.post(path)
    assert (response.status_code, response.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
