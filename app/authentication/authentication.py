"""Finds the principal of an API key; refuses an address that has sent too many wrong ones, and other hosts' names.

Host names matter while no key exists: listening on the loopback interface is not enough, because a page of another
site can have its own name resolve to 127.0.0.1 ("DNS rebinding"). The Host header of its requests gives it away.
"""

import math
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from app.authentication.keyring import Keyring
from app.errors import Forbidden, TooManyAttempts, Unauthenticated
from app.principal import LOCAL, Principal
from app.rules.api_keys import KeyText, read_key


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


WINDOW_SECONDS = 60.0
ADDRESSES_MAX = 10_000
"""Maximum number of addresses remembered; the oldest window is dropped."""


@dataclass(slots=True)
class _Window:
    ends_at: float
    wrong: int = 0


class Throttle:
    """Allows `wrong_max` wrong keys a minute from each address."""

    def __init__(self, wrong_max: int, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is in seconds."""
        self._wrong_max = wrong_max
        self._now = now
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def count(self, address: str) -> None:
        """Count a key that is wrong or not yet verified. Raises TooManyAttempts."""
        now, origin = self._now(), _origin(address)
        window = self._windows.get(origin)
        if window is None or window.ends_at <= now:
            self._windows.pop(origin, None)
            window = self._windows[origin] = _Window(now + WINDOW_SECONDS)
            if len(self._windows) > ADDRESSES_MAX:
                self._windows.popitem(last=False)
        if window.wrong >= self._wrong_max:
            raise TooManyAttempts(math.ceil(window.ends_at - now))
        window.wrong += 1

    def forgive(self, address: str) -> None:
        """Undo one `count`: the key turned out to be right."""
        window = self._windows.get(_origin(address))
        if window is not None and window.wrong:
            window.wrong -= 1

    def __len__(self) -> int:
        return len(self._windows)


def _origin(address: str) -> str:
    """The address itself; of an IPv6 address its /64 network, which usually belongs to one client."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address) or parsed.ipv4_mapped:
        return address
    return str(IPv6Address(int(parsed) >> 64 << 64))


class Authentication:
    """Authenticates requests; one instance per process.

    Until the first key exists, every client on the loopback interface is the local admin. From then on a key is
    required, even if all are revoked: losing the last key must not open the service.
    """

    def __init__(self, keyring: Keyring, throttle: Throttle, names: LocalNames, *, is_loopback_only: bool) -> None:
        """`is_loopback_only`: the service cannot be reached from other machines."""
        self._keyring = keyring
        self._throttle = throttle
        self._names = names
        self._is_loopback_only = is_loopback_only

    async def authenticate(self, key: str | None, address: str, request_id: str | None = None) -> Principal:
        """The principal of a key sent from a network address; without a key the local admin, if allowed.

        Raises Unauthenticated, TooManyAttempts, DatabaseUnavailable.
        """
        self._keyring.require_fresh()
        if key is not None:
            principal = await self._principal_of(key, address)
        elif self._is_open:
            principal = LOCAL
        else:
            raise Unauthenticated(is_wrong=False)
        return principal if request_id is None else replace(principal, request_id=request_id)

    def is_in_force(self, principal: Principal) -> bool:
        """Whether an authenticated principal still would be: its key may have been revoked since."""
        return self._is_open if principal.actor == LOCAL.actor else self._keyring.has(principal.actor)

    def require_local_names(self, host: bytes | None, origin: bytes | None) -> None:
        """Check the headers Host and Origin while clients need no key. Raises Forbidden.

        `origin` is given for WebSockets only, which pages of other sites can open.
        """
        if not self._keyring.is_empty:
            return
        is_local = host is None or self._names.include(host)
        if not is_local or not (origin is None or self._names.include_origin(origin)):
            raise Forbidden(
                "No API key exists, so only requests to a name of this machine are answered (localhost, "
                "127.0.0.1). Create a key with `purser keys create`, or add the host to PURSER_ALLOWED_HOSTS."
            )

    @property
    def _is_open(self) -> bool:
        return self._keyring.is_empty and self._is_loopback_only

    async def _principal_of(self, text: str, address: str) -> Principal:
        """A right key is never throttled: many clients may share one address."""
        key = read_key(text)
        principal = self._keyring.find(key) if key else None
        if principal is None:
            self._throttle.count(address)
            if key and not self._keyring.knows(key):
                principal = await self._reload_and_find(key, address)
        if principal is None:
            raise Unauthenticated(is_wrong=True)
        return principal

    async def _reload_and_find(self, key: KeyText, address: str) -> Principal | None:
        is_wrong = False
        try:
            await self._keyring.read_for_unknown()
            principal = self._keyring.find(key)
            is_wrong = principal is None
            return principal
        finally:
            if not is_wrong:
                self._throttle.forgive(address)
