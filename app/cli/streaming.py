"""Implements `purser stream`: follows an engine's streams in Redis into the configured database."""

import asyncio
import logging
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import uvloop
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.cli.commands import REFUSED_LINES
from app.cli.configuration import configured_database, settings_with_logging
from app.cli.worker import collect_seldom
from app.database import Database, PoolLimits
from app.engines.nautilus import streams
from app.errors import SettingsInvalid
from app.interruption import until_interrupted
from app.streams.consumer_group import GroupOptions
from app.streams.follower import Follower, FollowOptions
from app.streams.stream_status import StreamStatus, serve_metrics

ALL_TRADERS = ("trader-*stream", "trader-*stream:*")
REDIS_TIMEOUT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 5.0

_LOG = logging.getLogger("purser.stream")
_SPECIAL = re.compile(r"([*?\[\]\\])")


@dataclass(frozen=True, slots=True)
class StreamCommand:
    """The options of `purser stream nautilus`."""

    traders: Sequence[str] = ()
    patterns: Sequence[str] = ()
    group: str = "purser"
    consumer: str | None = None
    first_id: str = "0"
    claim_idle_seconds: float = 60.0
    is_once: bool = False
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"

    def key_patterns(self) -> tuple[str, ...]:
        """The glob patterns of the keys to follow. A key may contain the id of the engine's instance."""
        names = (_SPECIAL.sub(r"\\\1", trader) for trader in self.traders)
        of_traders = tuple(f"trader-{name}:{rest}" for name in names for rest in ("*stream", "*stream:*"))
        return (*of_traders, *self.patterns) or ALL_TRADERS


def follow_nautilus(redis_url: str | None, command: StreamCommand) -> int:
    """Follow until interrupted, or until no entry is left. Returns the exit code.

    Raises SettingsInvalid, OperationRefused, RedisUnavailable, DatabaseUnavailable; with `is_once` KeyboardInterrupt.
    """
    settings = settings_with_logging(redis_url=redis_url)
    if settings.redis_url is None:
        raise SettingsInvalid("PURSER_REDIS_URL: is not set; set it, or give --redis URL.")
    client = _client_of(settings.redis_url.get_secret_value())
    status = StreamStatus()
    if command.metrics_port is not None:
        serve_metrics(status, command.metrics_host, command.metrics_port)
    started = monotonic()
    try:
        with configured_database(settings) as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            collect_seldom()
            runner.run(until_interrupted(_follow(client, url, settings.pool_limits(), command, status)))
    except KeyboardInterrupt:
        if command.is_once:
            raise
        # Stopped as requested: success.
        return 0
    finally:
        seconds = monotonic() - started
        _LOG.info("%s, in %.1f s (%d/s)", status, seconds, status.entries / max(seconds, 1e-9))
    return REFUSED_LINES if status.counts.rejected else 0


async def _follow(client: "Redis", url: str, limits: PoolLimits, command: StreamCommand, status: StreamStatus) -> None:
    group = GroupOptions(
        patterns=command.key_patterns(),
        group=command.group,
        consumer=command.consumer or socket.gethostname(),
        first_id=command.first_id,
        claim_idle_seconds=command.claim_idle_seconds,
        is_followed=streams.is_recorded_key,
    )
    options = FollowOptions(
        group=group,
        is_recorded_topic=streams.is_recorded_topic,
        read_payload=streams.read_payload,
        is_once=command.is_once,
    )
    async with await Database.open(url, limits) as database:
        follower = Follower(client, database, options, status)
        try:
            await follower.run()
            await follower.take_positions()
        finally:
            with suppress(RedisError, OSError):
                await client.aclose()


def _client_of(url: str) -> "Redis":
    """A client that reports a lost connection at once: what was read over it has to be read again.

    Raises SettingsInvalid.
    """
    try:
        return Redis.from_url(
            url,
            # The form of responses; with the third version they would be nested differently.
            protocol=2,
            client_name="purser-stream",
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        # Without the reason, which may contain a part of the password.
        raise SettingsInvalid("PURSER_REDIS_URL: is not a valid URL of a Redis.") from None
