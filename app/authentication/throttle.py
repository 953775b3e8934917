"""Wrong keys, counted for each address they come from: past a limit that address is told to wait."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from app.errors import TooManyAttempts

WINDOW_SECONDS = 60.0
ADDRESSES_MAX = 10_000
"""Most addresses remembered; the one that began first is forgotten."""


@dataclass(slots=True)
class _Window:
    ends_at: float
    wrong: int = 0


class Throttle:
    """Takes `wrong_max` wrong keys a minute from an address."""

    def __init__(self, wrong_max: int, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is in seconds."""
        self._wrong_max = wrong_max
        self._now = now
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def count(self, address: str) -> None:
        """Count a key that is wrong, or not known to be right yet. Raises TooManyAttempts."""
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
        """The key that was counted last turned out to be right."""
        window = self._windows.get(_origin(address))
        if window is not None and window.wrong:
            window.wrong -= 1

    def __len__(self) -> int:
        return len(self._windows)


def _origin(address: str) -> str:
    """Who has one IPv6 address has the 2**64 beside it too."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address) or parsed.ipv4_mapped:
        return address
    return str(IPv6Address(int(parsed) >> 64 << 64))
