"""Wrong keys are counted per address."""

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


def wrong(counting: Throttle, address: str, times: int) -> None:
    for _ in range(times):
        counting.count(address)


def test_past_the_limit_an_address_waits_until_its_minute_is_over(clock: Clock) -> None:
    counting = Throttle(3, clock)
    wrong(counting, "10.0.0.1", 3)
    clock.seconds += 20
    for _ in range(5):
        with pytest.raises(TooManyAttempts) as refused:
            counting.count("10.0.0.1")
        assert refused.value.retry_after_seconds == WINDOW_SECONDS - 20
    clock.seconds += WINDOW_SECONDS - 20
    wrong(counting, "10.0.0.1", 3)


def test_addresses_are_counted_apart(clock: Clock) -> None:
    counting = Throttle(1, clock)
    for address in ("10.0.0.1", "10.0.0.2", "::ffff:10.0.0.3", "::ffff:10.0.0.4", "2001:db8::1", "2001:db8:0:1::1", ""):
        counting.count(address)


def test_a_network_of_ipv6_counts_as_one(clock: Clock) -> None:
    counting = Throttle(2, clock)
    counting.count("2001:db8::1")
    counting.count("2001:db8::ffff:1")
    with pytest.raises(TooManyAttempts):
        counting.count("2001:db8::2")


def test_a_key_that_turned_out_right_is_forgiven(clock: Clock) -> None:
    counting = Throttle(1, clock)
    for _ in range(5):
        counting.count("10.0.0.1")
        counting.forgive("10.0.0.1")
    counting.forgive("10.0.0.1")
    counting.count("10.0.0.1")
    with pytest.raises(TooManyAttempts):
        counting.count("10.0.0.1")


def test_as_many_addresses_as_there_may_be_are_remembered(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "ADDRESSES_MAX", 10)
    counting = Throttle(1, clock)
    for number in range(100):
        counting.count(f"10.0.0.{number}")
    assert len(counting) == 10
    with pytest.raises(TooManyAttempts):
        counting.count("10.0.0.99")
    counting.count("10.0.0.1")
