"""A follower in the test's own process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import Redis

from app.database import Database
from app.engines.nautilus import streams
from app.streams.consumer_group import GroupOptions
from app.streams.follower import Follower, FollowOptions
from app.streams.stream_status import StreamStatus
from tests.streams.redis_server import RedisServer


def options_of(*, is_once: bool = True, patterns: tuple[str, ...] = ("trader-*",), **more: Any) -> FollowOptions:
    return FollowOptions(
        group=GroupOptions(
            patterns=patterns,
            is_followed=streams.is_recorded_key,
            **{"group": "purser", "consumer": "one", **more},
        ),
        is_recorded_topic=streams.is_recorded_topic,
        read_payload=streams.read_payload,
        is_once=is_once,
    )


async def follow_once(server: RedisServer, database: Database, **options: Any) -> StreamStatus:
    """Records everything there is."""
    status = StreamStatus()
    async with Redis.from_url(server.url, protocol=2) as client:
        await Follower(client, database, options_of(**options), status).run()
    return status


@asynccontextmanager
async def following(server: RedisServer, database: Database, **options: Any) -> AsyncIterator[StreamStatus]:
    """Follows during the block."""
    status = StreamStatus()
    async with Redis.from_url(server.url, protocol=2) as client:
        task = asyncio.create_task(Follower(client, database, options_of(is_once=False, **options), status).run())
        try:
            yield status
            assert not task.done(), task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
