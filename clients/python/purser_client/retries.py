"""When a request is sent again."""

import random
from dataclasses import dataclass

from purser_client.errors import Unavailable


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent, and how long to wait in between.

    The waits double from `wait_seconds` up to `wait_seconds_max`; each is shortened at random by up to a half, so that
    clients do not return all at once. `Retry-After` of an answer lengthens a wait.
    """

    attempts_max: int = 5
    wait_seconds: float = 0.1
    wait_seconds_max: float = 5.0

    def wait(self, failures: int, retry_after_seconds: float | None = None) -> float:
        """Seconds to wait after this many failures in a row, from 1."""
        longest = min(self.wait_seconds * 2.0 ** min(failures - 1, 30), self.wait_seconds_max)
        return max(longest * random.uniform(0.5, 1.0), retry_after_seconds or 0.0)


RETRIES = RetryPolicy()
NO_RETRIES = RetryPolicy(attempts_max=1)


class Attempts:
    """The attempts of one request. A request that is not repeatable is sent again only if it never left."""

    def __init__(self, policy: RetryPolicy, *, is_repeatable: bool) -> None:
        self._policy = policy
        self._is_repeatable = is_repeatable
        self._failures = 0

    def wait_after(self, error: Unavailable) -> float:
        """Seconds until the next attempt. Raises the error if there is none."""
        self._failures += 1
        if self._failures >= self._policy.attempts_max or (error.was_sent and not self._is_repeatable):
            raise error
        return self._policy.wait(self._failures, error.retry_after_seconds)
