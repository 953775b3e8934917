"""Counts wrong API keys by the address that sends them, and refuses further attempts beyond a limit."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from app.errors import TooManyAttempts

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
