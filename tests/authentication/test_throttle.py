"""The throttle counts wrong keys per address."""

import pytest

from app.authentication import authentication
from app.authentication.authentication import WINDOW_SECONDS, Throttle
from app.errors import TooManyAttempts


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def count_wrong_keys(limiter: Throttle, address: str, times: int) -> None:
    for _ in range(times):
        limiter.count(address)


def test_an_address_past_the_limit_is_refused_until_its_minute_ends(clock: Clock) -> None:
    limiter = Throttle(3, clock)
    count_wrong_keys(limiter, "10.0.0.1", 3)
    clock.seconds += 20
    for _ in range(5):
        with pytest.raises(TooManyAttempts) as refused:
            limiter.count("10.0.0.1")
        assert refused.value.retry_after_seconds == WINDOW_SECONDS - 20
    clock.seconds += WINDOW_SECONDS - 20
    count_wrong_keys(limiter, "10.0.0.1", 3)


def test_each_address_is_counted_separately(clock: Clock) -> None:
    limiter = Throttle(1, clock)
    for address in ("10.0.0.1", "10.0.0.2", "::ffff:10.0.0.3", "::ffff:10.0.0.4", "2001:db8::1", "2001:db8:0:1::1", ""):
        limiter.count(address)


def test_the_addresses_of_an_ipv6_network_are_counted_together(clock: Clock) -> None:
    limiter = Throttle(2, clock)
    limiter.count("2001:db8::1")
    limiter.count("2001:db8::ffff:1")
    with pytest.raises(TooManyAttempts):
        limiter.count("2001:db8::2")


def test_a_valid_key_is_not_counted(clock: Clock) -> None:
    limiter = Throttle(1, clock)
    for _ in range(5):
        limiter.count("10.0.0.1")
        limiter.forgive("10.0.0.1")
    limiter.forgive("10.0.0.1")
    limiter.count("10.0.0.1")
    with pytest.raises(TooManyAttempts):
        limiter.count("10.0.0.1")


def test_the_number_of_counted_addresses_is_limited(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "ADDRESSES_MAX", 10)
    limiter = Throttle(1, clock)
    for number in range(100):
        limiter.count(f"10.0.0.{number}")
    assert len(limiter) == 10
    with pytest.raises(TooManyAttempts):
        limiter.count("10.0.0.99")
    limiter.count("10.0.0.1")
