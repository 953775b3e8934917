"""Requests that are lost, refused or answered late, over connections that a proxy cuts."""

import asyncio
import json
import threading
from decimal import Decimal

import asyncpg
import pytest

from app.database.embedded import EmbeddedServer
from purser_client import (
    NO_RETRIES,
    Busy,
    InvalidInput,
    OrderAuthorized,
    PurserError,
    QueryTimeout,
    RetryPolicy,
    TooManyAttempts,
    TradingScope,
    TradingState,
    Unavailable,
    UnexpectedAnswer,
)
from tests.clients.python.conftest import STRATEGY, order
from tests.clients.python.link import Link, linked
from tests.clients.python.threaded import AnyClient, connected
from tests.conftest import execute
from tests.feed.test_feed import END_CONNECTIONS

pytestmark = pytest.mark.anyio
HALT = "mutation { setTradingState(scope: ALL, state: HALTED) { __typename } }"


class ObservedPolicy(RetryPolicy):
    """A policy that tells when an attempt has failed."""

    def __init__(self) -> None:
        super().__init__(attempts_max=100, wait_seconds=0.02, wait_seconds_max=0.05)
        object.__setattr__(self, "failed", threading.Event())

    def wait(self, failures: int, retry_after_seconds: float | None = None) -> float:
        self.failed.set()
        return super().wait(failures, retry_after_seconds)


def http(status: str, body: str, *headers: str) -> bytes:
    """An answer, as bytes of HTTP."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", body]
    return "\r\n".join(lines).encode()


def coded(status: str, code: str, *headers: str) -> bytes:
    return http(status, json.dumps({"errors": [{"message": "no", "extensions": {"code": code}}]}), *headers)


async def test_an_order_whose_answer_was_lost_is_authorized_once(client: AnyClient, kind: str, link: Link) -> None:
    async with connected(kind, link.address) as cut:
        link.answers_to_lose = 2
        decided = await cut.authorize(order())
        assert isinstance(decided, OrderAuthorized)
        assert decided.is_repeated
        assert link.requests == 3
    (budget,) = await client.budgets()
    assert budget.reserved == Decimal(100)


async def test_a_request_without_an_answer_is_repeated_a_limited_number_of_times(kind: str, link: Link) -> None:
    async with connected(kind, link.address, retries=RetryPolicy(3, 0.01, 0.02)) as client:
        link.is_refusing = True
        with pytest.raises(Unavailable):
            await client.authorize(order())
        assert link.connections == 3
        link.is_refusing = False
        link.answers_to_lose = 99
        with pytest.raises(Unavailable):
            await client.execute("# counts\n query { summary { orders } }")
        assert link.requests == 3


async def test_a_state_that_may_be_set_is_not_set_again(client: AnyClient, kind: str, link: Link) -> None:
    async with connected(kind, link.address, retries=RetryPolicy(5, 0.01, 0.02)) as cut:
        for attempt in (cut.set_trading_state(TradingState.HALTED, scope=TradingScope.ALL), cut.execute(HALT)):
            link.answers_to_lose, before = 1, link.requests
            with pytest.raises(Unavailable) as caught:
                await attempt
            assert (caught.value.was_sent, link.requests) == (True, before + 1)
        link.answers_to_lose = 1
        await cut.execute(HALT, is_repeatable=True)
    assert (await client.trading_state()).state is TradingState.HALTED


async def test_a_state_is_set_once_the_service_can_be_reached(
    client: AnyClient, kind: str, link: Link, free_tcp_port: int
) -> None:
    policy = ObservedPolicy()
    async with connected(kind, f"http://127.0.0.1:{free_tcp_port}", retries=policy) as early:
        setting = asyncio.create_task(early.set_trading_state(TradingState.HALTED, STRATEGY))
        await asyncio.to_thread(policy.failed.wait, 20)
        server = await asyncio.start_server(link.accept, "127.0.0.1", free_tcp_port)
        (halted,) = (await setting).strategies
        assert halted.own_state is TradingState.HALTED
        server.close()


async def test_a_busy_service_is_asked_again_after_a_pause(
    client: AnyClient, kind: str, service: str, server: EmbeddedServer, connection: asyncpg.Connection
) -> None:
    await client.authorize(order())
    name = await connection.fetchval("SELECT current_database()")
    maintenance = server.url_of("postgres")
    await execute(maintenance, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await connection.execute(END_CONNECTIONS)
    async with connected(kind, service, retries=NO_RETRIES) as impatient:
        with pytest.raises(Busy) as caught:
            await impatient.authorize(order())
        assert caught.value.retry_after_seconds == 1
    policy = ObservedPolicy()
    async with connected(kind, service, retries=policy) as patient:
        asking = asyncio.create_task(patient.authorize(order()))
        await asyncio.to_thread(policy.failed.wait, 20)
        await execute(maintenance, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert (await asking).is_repeated


@pytest.mark.parametrize(
    ("answer", "expected", "requests"),
    [
        (coded("503 Busy", "BUSY", "Retry-After: 0"), Busy, 3),
        (http("503 Busy", "<html>"), Busy, 3),
        (http("502 Bad Gateway", "<html>"), Unavailable, 3),
        (coded("294 Partial", "BUSY"), Busy, 3),
        (coded("429 Too Many", "TOO_MANY_ATTEMPTS", "Retry-After: 7"), TooManyAttempts, 1),
        (http("429 Too Many", "slower"), TooManyAttempts, 1),
        (coded("503 Slow", "TIMEOUT"), QueryTimeout, 1),
        (coded("400 Bad", "BAD_REQUEST"), InvalidInput, 1),
        (http("404 Missing", "{}"), InvalidInput, 1),
        (coded("500 Broken", "INTERNAL"), UnexpectedAnswer, 1),
        (http("200 OK", "<html>"), UnexpectedAnswer, 1),
        (http("200 OK", "{}"), UnexpectedAnswer, 1),
        (http("200 OK", "{}", "Content-Encoding: gzip"), UnexpectedAnswer, 1),
        (http("301 Moved", "", "Location: /elsewhere"), UnexpectedAnswer, 1),
        (http("200 OK", '{"data": {"result": {"orders": "many"}}}'), UnexpectedAnswer, 1),
    ],
)
async def test_every_answer_is_a_result_or_a_typed_error(
    kind: str, answer: bytes, expected: type[PurserError], requests: int
) -> None:
    async with linked("") as link, connected(kind, link.address, retries=RetryPolicy(3, 0.01, 0.01)) as client:
        link.fixed_answer = answer
        with pytest.raises(PurserError) as caught:
            await client.summary()
    assert type(caught.value) is expected
    assert link.requests == requests
    if isinstance(caught.value, TooManyAttempts) and "slower" not in str(answer):
        assert caught.value.retry_after_seconds == 7


async def test_a_key_that_is_no_header_is_refused_at_once(kind: str) -> None:
    async with linked("") as link, connected(kind, link.address, key="a\nb") as client:
        link.fixed_answer = b"none"
        with pytest.raises(InvalidInput):
            await client.summary()
    assert link.requests == 0


def test_waits_double_up_to_a_limit_and_obey_the_service() -> None:
    policy = RetryPolicy(attempts_max=9, wait_seconds=1.0, wait_seconds_max=5.0)
    for failures, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (1000, 5.0)):
        waits = {policy.wait(failures) for _ in range(50)}
        assert longest / 2 <= min(waits) < max(waits) <= longest
    assert policy.wait(1, retry_after_seconds=30.0) == 30.0


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ws://localhost", "http://", ""])
async def test_a_url_of_another_form_is_refused(kind: str, url: str) -> None:
    with pytest.raises(ValueError, match="no URL like"):
        async with connected(kind, url):
            pass
