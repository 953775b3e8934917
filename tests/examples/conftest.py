"""A served Purser, and Redis."""

from tests.clients.nautilus.conftest import forked_commands, service
from tests.streams.redis_server import redis_server

__all__ = ["forked_commands", "redis_server", "service"]
