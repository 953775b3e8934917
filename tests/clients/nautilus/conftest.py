"""A served Purser that tests can kill and start again."""

from collections.abc import Iterator

import pytest

from tests.cli.processes import forking
from tests.clients.nautilus.service import Service


@pytest.fixture(scope="session")
def forked_commands() -> Iterator[None]:
    """The program that the service is forked from."""
    with forking():
        yield


@pytest.fixture
def service(database_url: str, free_tcp_port: int, forked_commands: None) -> Iterator[Service]:
    """A running service on a fresh database."""
    service = Service(database_url, free_tcp_port)
    service.start()
    try:
        yield service
    finally:
        service.stop()
