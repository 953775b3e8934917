"""Host names of this machine, and similar names of others."""

import pytest

from app.authentication.hosts import LocalNames, is_loopback_only


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_the_loopback_is_reached_from_this_machine_alone(host: str) -> None:
    assert is_loopback_only(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "no.such.name.invalid"])
def test_everything_else_may_be_reached_from_elsewhere(host: str) -> None:
    assert not is_loopback_only(host)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:80", "[::1]:8000", "app.localhost", "localhost.", "Box:80"],
)
def test_names_of_this_machine(host: str) -> None:
    names = LocalNames(["box"])
    for _ in range(2):
        assert names.include(host.encode())
    assert names.include_origin(f"http://{host}".encode())


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "notlocalhost", "127.0.0.1.evil.example", "127.0.0.1@evil.example"),
        *("10.0.0.1", "0.0.0.0", "[::]", "", "[::1", "box.evil.example", "évil", "localhost@evil.example:80"),
    ],
)
def test_names_of_others(host: str) -> None:
    names = LocalNames(["box"])
    for _ in range(2):
        assert not names.include(host.encode("latin-1"))
    assert not names.include_origin(f"http://{host}".encode("latin-1"))


def test_a_page_without_an_origin_is_from_elsewhere() -> None:
    assert not LocalNames([]).include_origin(b"null")
