"""The running service against its own OpenAPI description: schemathesis asks, a real server answers."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import SecretStr
from schemathesis import GenerationMode

from app.main import create_app
from app.settings import Settings
from tests.rest_compat.test_documentation import PATHS


@pytest.fixture(scope="module")
def service(ledger_url: str) -> Iterator[str]:
    """The address of a uvicorn server of its own thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(Settings(database_url=SecretStr(ledger_url)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("path", sorted(PATHS))
def test_the_service_does_what_it_documents(service: str, path: str, mode: GenerationMode) -> None:
    operation = schemathesis.openapi.from_url(f"{service}/openapi.json")[path]["get"]

    @settings(
        max_examples=60,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate()

    if mode is GenerationMode.NEGATIVE and not operation.query and not operation.path_parameters:
        pytest.skip("nothing can be asked wrongly here")
    ask()


def test_headers_over_a_real_connection(service: str) -> None:
    response = httpx.get(f"{service}/api/trading/orders?limit=1")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.content))
    assert response.headers["x-total-count"] == "31"
    asked = httpx.head(f"{service}/api/trading/orders?limit=1")
    assert (asked.content, asked.headers["content-length"]) == (b"", response.headers["content-length"])


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /api/trading/orders/\xff HTTP/1.1",
        b"GET /api/trading/orders?status=\xff HTTP/1.1",
        b"GET /api/trading/orders/%zz HTTP/1.1",
        b"GET /api/trading/orders/" + b"x" * 30_000 + b" HTTP/1.1",
        b"GET http://elsewhere/api/trading/orders/a%2Fb HTTP/1.1",
        b"GET //api//trading HTTP/1.1",
        b"BREW /health HTTP/1.1",
    ],
)
def test_odd_request_lines_are_no_fault_of_ours(service: str, request_line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(service.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(request_line + b"\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = connection.makefile("rb").readline()
    assert answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4")), answer
