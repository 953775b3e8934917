"""Implements `purser serve`: starts the database and the server processes, and prints the addresses to open."""

import errno
import json
import os
import socket
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from rich.console import Console
from uvicorn.supervisors import Multiprocess

from app.authentication.authentication import is_loopback_only
from app.cli.api_keys import KeyState, key_state, with_context
from app.cli.configuration import configured_database, settings_with_logging
from app.cli.worker import SUPERVISOR_ENV
from app.errors import OperationRefused
from app.settings import FixedLimits, Settings

BACKLOG = 2048
SHUTDOWN_TIMEOUT_SECONDS = 10
HEALTHCHECK_TIMEOUT_SECONDS = 30
"""A worker that does not answer its supervisor for this long is replaced."""
UNREAD_SECONDS_MAX = 30
"""uvicorn closes a connection once everything was sent, which a client that reads nothing would prevent."""
READY_POLL_SECONDS = 0.05
METRICS_DIRECTORY_ENV = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client (`app.metrics`) when a server process imports it."""
WEBSOCKET_OPTIONS: dict[str, Any] = {
    "ws": "graphql_schema.live.server_protocol:FrameProtocol",
    # A frame is encoded once for all subscribers; compression is each connection's own.
    "ws_per_message_deflate": False,
}
"""How uvicorn serves subscriptions (docs/adr/0032-fan-out.md)."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def run_service(*, host: str | None, port: int | None, workers: int | None, demo: bool) -> None:
    """Serve until Ctrl-C or SIGTERM. An option that is None is taken from its setting.

    Raises SettingsInvalid, OperationRefused, EmbeddedServerError, DatabaseUnavailable, DatabaseIncompatible.
    """
    settings = settings_with_logging(host=host, port=port, workers=workers)
    try:
        with _bound(settings) as listener, configured_database(settings) as url:
            state = with_context(url, settings, key_state)
            if state is not KeyState.IN_USE and not is_loopback_only(settings.host):
                raise OperationRefused(
                    f"Without a valid API key Purser listens on loopback addresses only, not on {settings.host}. "
                    "Create a key first: purser keys create --role admin."
                )
            if demo:
                # Imported here: the ledger takes most of a second to load.
                from app.cli.demo import load_demo

                load_demo(url, settings)
            _export_settings(settings, url)
            try:
                listener.listen(BACKLOG)
            except OSError as error:
                raise _cannot_listen(settings, error) from error
            threading.Thread(target=_announce, args=(settings, state), name="announce", daemon=True).start()
            with _shared_metrics(settings):
                _run(settings, listener)
    except KeyboardInterrupt:
        pass  # Stopped as requested: success.


def _bound(settings: Settings) -> socket.socket:
    """The socket, bound before anything slow happens. Raises OperationRefused."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        limit_unread(listener)
    except OSError as error:
        raise _cannot_listen(settings, error) from error
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(settings, error) from error
    return listener


def limit_unread(listener: socket.socket) -> None:
    """Have the kernel end accepted connections whose client reads nothing for UNREAD_SECONDS_MAX, where it can."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        listener.setsockopt(socket.IPPROTO_TCP, option, UNREAD_SECONDS_MAX * 1000)


def _cannot_listen(settings: Settings, error: OSError) -> OperationRefused:
    if error.errno == errno.EADDRINUSE:
        return OperationRefused(
            f"Port {settings.port} on {settings.host} is in use. Free it, or choose another port with --port."
        )
    return OperationRefused(f"Cannot listen on {settings.host}, port {settings.port}: {error.strerror}.")


def _export_settings(settings: Settings, url: str) -> None:
    """Pass the settings, with the options and the embedded server's URL, to the server processes."""
    os.environ |= {
        "PURSER_DATABASE_URL": url,
        "PURSER_HOST": settings.host,
        "PURSER_PORT": str(settings.port),
        "PURSER_WORKERS": str(settings.workers),
        SUPERVISOR_ENV: str(os.getpid()),
    }


@contextmanager
def _shared_metrics(settings: Settings) -> Iterator[None]:
    """Give several server processes an empty directory for their figures, removed when the service ends."""
    os.environ.pop(METRICS_DIRECTORY_ENV, None)
    if settings.workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="purser-metrics-") as directory:
        os.environ[METRICS_DIRECTORY_ENV] = directory
        yield


def _run(settings: Settings, listener: socket.socket) -> None:
    config = uvicorn.Config(
        "app.cli.worker:create_app",
        factory=True,
        workers=settings.workers,
        http="app.cli.http_protocol:HttpProtocol",
        log_config=None,
        access_log=settings.log_level == "debug",
        server_header=False,
        backlog=BACKLOG,
        ws_max_size=max(settings.graphql_mutation_bytes_max, FixedLimits().graphql_query_bytes_max),
        **WEBSOCKET_OPTIONS,
        timeout_worker_healthcheck=HEALTHCHECK_TIMEOUT_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
    )
    if settings.workers > 1:
        Multiprocess(config, sockets=[listener]).run()
    else:
        uvicorn.Server(config).run(sockets=[listener])


def _announce(settings: Settings, state: KeyState) -> None:
    """Print the addresses once the service answers."""
    host = _EVERYWHERE.get(settings.host, settings.host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    pause = threading.Event()
    while not _is_healthy(address):
        pause.wait(READY_POLL_SECONDS)
    console = Console(file=sys.stderr, highlight=False)
    console.print(f"\n[bold]Purser is ready[/bold]  [link={address}]{address}[/link]")
    for path, description in (("/graphql", "GraphQL; GraphiQL in a browser"), ("/docs", "REST, with Swagger UI")):
        console.print(f"  {address}{path:<10} {description}")
    if state.value:
        console.print(f"  {state.value}")
    console.print("Ctrl-C stops it.\n")


def _is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as response:
            return bool(json.load(response)["status"] == "ok")
    except (OSError, ValueError, KeyError):
        return False
