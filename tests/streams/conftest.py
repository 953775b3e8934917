"""Redis for the tests of streams."""

from tests.streams.redis_server import redis_server

__all__ = ["redis_server"]
