"""The service on its own port, and Debian's Chromium, which can reach no other host."""

import os
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from pydantic import SecretStr

from app.database import Database
from app.main import create_app
from app.principal import LOCAL, Role
from app.resolvers import Context, keys
from app.settings import Settings
from tests.graphql_schema.service import running
from tests.reads.serving import ledger_url

__all__ = ["ledger_url"]

DEADLINE_SECONDS = 60
expect.set_options(timeout=DEADLINE_SECONDS * 1000)
# `--no-sandbox` lets root run Chromium, as in containers. The other flags stop its background requests.
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def site(ledger_url: str) -> Iterator[str]:
    """The URL of a service over the sample ledger."""
    config = uvicorn.Config(create_app(Settings(database_url=SecretStr(ledger_url))), log_level="warning")
    with socket.create_server(("127.0.0.1", 0)) as listener, _serve_in_thread(uvicorn.Server(config), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def keyed_site(database_url: str) -> AsyncIterator[tuple[str, str]]:
    """The URL of a service that requires a key, and a valid key."""
    database = await Database.open(database_url)
    key = await keys.create_key(Context(database), LOCAL, Role.VIEWER)
    await database.close()
    with running(database_url) as address:
        yield address, str(key)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("These tests need Chromium: apt-get install chromium. Under CI they must run.")
        pytest.skip("These tests need Chromium: apt-get install chromium.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser, site: str) -> AsyncIterator[Page]:
    """A page in a fresh browser context. Afterwards fails if it sent a request to another host or logged an error."""
    async with await browser.new_context(base_url=site, viewport={"width": 1400, "height": 860}) as context:
        context.set_default_timeout(DEADLINE_SECONDS * 1000)
        foreign_requests, errors = _record_violations(context, site)
        yield await context.new_page()
        assert foreign_requests == []
        assert errors == []


def _record_violations(context: BrowserContext, site: str) -> tuple[list[str], list[str]]:
    """Lists that collect the page's requests to other hosts, and its errors and policy violations."""
    own = (f"{site}/", f"blob:{site}/", "data:")
    foreign_requests: list[str] = []
    errors: list[str] = []
    context.on("request", lambda request: request.url.startswith(own) or foreign_requests.append(request.url))
    context.on("console", lambda message: message.type == "error" and errors.append(message.text))
    context.on("weberror", lambda error: errors.append(str(error.error)))
    return foreign_requests, errors


@contextmanager
def _serve_in_thread(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        # The listener accepts connections before the server is ready.
        yield
    finally:
        server.should_exit = True
        thread.join()
