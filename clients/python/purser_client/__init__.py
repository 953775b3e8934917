"""A typed client of Purser, synchronous and asynchronous."""

from purser_client import generated
from purser_client.asynchronous.client import AsyncPurser
from purser_client.errors import (
    Busy,
    Conflict,
    CursorExpired,
    Forbidden,
    InvalidInput,
    NotFound,
    PurserError,
    QueryTimeout,
    TooManyAttempts,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from purser_client.generated import *  # noqa: F403
from purser_client.generated.results import RecordedEvents as RecordResult
from purser_client.retries import NO_RETRIES, RetryPolicy
from purser_client.scalars import Instant
from purser_client.synchronous.client import Purser

__all__ = [
    "NO_RETRIES",
    "AsyncPurser",
    "Busy",
    "Conflict",
    "CursorExpired",
    "Forbidden",
    "Instant",
    "InvalidInput",
    "NotFound",
    "Purser",
    "PurserError",
    "QueryTimeout",
    "RecordResult",
    "RetryPolicy",
    "TooManyAttempts",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    *generated.__all__,
]
