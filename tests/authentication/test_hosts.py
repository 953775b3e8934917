"""Local host names, and host names that resemble them."""

import pytest

from app.authentication.authentication import LocalNames, is_loopback_only


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_a_loopback_address_is_reachable_from_this_machine_only(host: str) -> None:
    assert is_loopback_only(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "no.such.name.invalid"])
def test_any_other_address_may_be_reachable_from_other_machines(host: str) -> None:
    assert not is_loopback_only(host)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:80", "[::1]:8000", "app.localhost", "localhost.", "Box:80"],
)
def test_host_names_of_this_machine_are_local(host: str) -> None:
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
def test_host_names_that_resemble_local_names_are_not_local(host: str) -> None:
    names = LocalNames(["box"])
    for _ in range(2):
        assert not names.include(host.encode("latin-1"))
    assert not names.include_origin(f"http://{host}".encode("latin-1"))


def test_the_origin_null_is_not_local() -> None:
    assert not LocalNames([]).include_origin(b"null")
