"""The service on a port of its own, and Debian's Chromium, which reaches no other host."""

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
# The first is for root, as which containers run. The others keep Chromium from calling its maker.
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
    """Where the service answers, over the small ledger."""
    config = uvicorn.Config(create_app(Settings(database_url=SecretStr(ledger_url))), log_level="warning")
    with socket.create_server(("127.0.0.1", 0)) as listener, _served(uvicorn.Server(config), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def keyed_site(database_url: str) -> AsyncIterator[tuple[str, str]]:
    """Where a service answers that takes a key, and the key."""
    database = await Database.open(database_url)
    key = await keys.create_key(Context(database), LOCAL, Role.VIEWER)
    await database.close()
    with running(database_url) as address:
        yield address, str(key)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
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
    """A fresh browser's page. At the end: it asked no other host, and nothing was refused or went wrong in it."""
    async with await browser.new_context(base_url=site, viewport={"width": 1400, "height": 860}) as context:
        context.set_default_timeout(DEADLINE_SECONDS * 1000)
        elsewhere, mistakes = _watched(context, site)
        yield await context.new_page()
        assert elsewhere == []
        assert mistakes == []


def _watched(context: BrowserContext, site: str) -> tuple[list[str], list[str]]:
    """Lists that fill with the requests to other places, and with what the page or its policy complains about."""
    own = (f"{site}/", f"blob:{site}/", "data:")
    elsewhere: list[str] = []
    mistakes: list[str] = []
    context.on("request", lambda request: request.url.startswith(own) or elsewhere.append(request.url))
    context.on("console", lambda message: message.type == "error" and mistakes.append(message.text))
    context.on("weberror", lambda error: mistakes.append(str(error.error)))
    return elsewhere, mistakes


@contextmanager
def _served(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        # Connections wait in the listener until the server takes them.
        yield
    finally:
        server.should_exit = True
        thread.join()
