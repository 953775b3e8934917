"""Host names of this machine. A service without API keys only answers requests addressed to one of them.

Listening on the loopback interface is not enough: a page of another site can have its own name resolve to 127.0.0.1
("DNS rebinding"). The Host header of its requests gives it away.
"""

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback_only(host: str) -> bool:
    """Whether a server that listens on this address or name can be reached from this machine only."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    return bool(found) and all(_is_loopback(str(address[0])) for *_, address in found)


class LocalNames:
    """Host names accepted by a service without API keys."""

    def __init__(self, allowed: Iterable[str], origins: Iterable[str] = ()) -> None:
        """`allowed`: names without ports, in addition to loopback names; `origins`: whole origins, in lower case."""
        self._allowed = frozenset(name.lower() for name in allowed)
        self._origins = frozenset(origins)
        self._known: set[bytes] = set()

    def include(self, host: bytes) -> bool:
        """Whether a Host header names this machine."""
        if host in self._known:
            return True
        is_local = self._is_local(_hostname(f"//{host.decode('latin-1')}"))
        if is_local and len(self._known) < 100:
            self._known.add(host)
        return is_local

    def include_origin(self, origin: bytes) -> bool:
        """Whether an Origin header names this machine, or an origin whose pages may use the APIs."""
        text = origin.decode("latin-1")
        return text in self._origins or self._is_local(_hostname(text))

    def _is_local(self, name: str | None) -> bool:
        if name is None:
            return False
        return name == "localhost" or name.endswith(".localhost") or name in self._allowed or _is_loopback(name)


def _hostname(url: str) -> str | None:
    try:
        name = urlsplit(url).hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
