"""Domain errors, raised by the ledger, the reads and the resolvers; GraphQL and REST turn each into a response."""

from enum import StrEnum
from uuid import UUID


class ErrorCode(StrEnum):
    """All error codes that clients can receive. Part of the API: codes are added, never renamed."""

    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    STRATEGY_NOT_FOUND = "STRATEGY_NOT_FOUND"
    BUDGET_NOT_FOUND = "BUDGET_NOT_FOUND"
    EVENT_NOT_FOUND = "EVENT_NOT_FOUND"
    KEY_NOT_FOUND = "KEY_NOT_FOUND"
    NOT_FOUND = "NOT_FOUND"
    ORDER_AMBIGUOUS = "ORDER_AMBIGUOUS"
    STRATEGY_AMBIGUOUS = "STRATEGY_AMBIGUOUS"
    AUTHORIZATION_CONFLICT = "AUTHORIZATION_CONFLICT"
    ORDER_NOT_RELEASABLE = "ORDER_NOT_RELEASABLE"
    EVENT_NOT_RESOLVABLE = "EVENT_NOT_RESOLVABLE"
    BUDGET_IN_USE = "BUDGET_IN_USE"
    INSTRUMENT_IN_USE = "INSTRUMENT_IN_USE"
    SIGNAL_CONFLICT = "SIGNAL_CONFLICT"
    KEY_NAME_TAKEN = "KEY_NAME_TAKEN"
    BAD_INPUT = "BAD_INPUT"
    CURSOR_INVALID = "CURSOR_INVALID"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    PAGE_TOO_LARGE = "PAGE_TOO_LARGE"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    NOT_READY = "NOT_READY"
    BUSY = "BUSY"
    TIMEOUT = "TIMEOUT"
    INTERNAL = "INTERNAL"


class PurserError(Exception):
    """An error with a code, which subclasses name or inherit, and a message for the caller, `message` by default."""

    code = ErrorCode.INTERNAL
    message = ""

    def __init_subclass__(cls, code: ErrorCode | None = None) -> None:
        cls.code = code or cls.code

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)


class NotFoundError(PurserError, code=ErrorCode.NOT_FOUND):
    """The requested object does not exist."""


class OrderNotFound(NotFoundError, code=ErrorCode.ORDER_NOT_FOUND):
    """No order has this client_order_id."""

    def __init__(self, client_order_id: str) -> None:
        super().__init__(f"No order has the client order id {client_order_id!r}.")


class StrategyNotFound(NotFoundError, code=ErrorCode.STRATEGY_NOT_FOUND):
    """No strategy has this id (a UUID) or name (a text)."""

    def __init__(self, strategy: str | UUID) -> None:
        kind = "id" if isinstance(strategy, UUID) else "id or name"
        super().__init__(f"No strategy has the {kind} {str(strategy)!r}.")


class BudgetNotFound(NotFoundError, code=ErrorCode.BUDGET_NOT_FOUND):
    """The strategy has no budget in this currency. `meant`: the currency of a budget that was probably meant."""

    def __init__(self, strategy_id: UUID, currency: str | None = None, meant: str | None = None) -> None:
        which = "no budget" if currency is None else f"no budget in {currency!r}"
        hint = "" if meant is None else f" Did you mean {meant}?"
        super().__init__(f"Strategy {strategy_id} has {which}.{hint}")


class EventNotFound(NotFoundError, code=ErrorCode.EVENT_NOT_FOUND):
    """The strategy has no event with this id and variant."""

    def __init__(self, event_id: str, variant: int) -> None:
        which = f" and variant {variant}" if variant else ""
        super().__init__(f"The strategy has no event with id {event_id}{which}.")


class KeyNotFound(NotFoundError, code=ErrorCode.KEY_NOT_FOUND):
    """No API key has this id or name."""

    def __init__(self, key: str, *, by_name: bool) -> None:
        super().__init__(
            f"No API key has the name {key!r}."
            if by_name
            else f"No API key has the id {key!r}; `purser keys list` shows ids, and `--name` revokes a key by its name."
        )


class ConflictError(PurserError):
    """The request contradicts what is stored."""


class OrderAmbiguous(ConflictError, code=ErrorCode.ORDER_AMBIGUOUS):
    """Several strategies have an order with this client_order_id."""

    def __init__(self, client_order_id: str, strategy_ids: list[UUID]) -> None:
        named = ", ".join(str(strategy_id) for strategy_id in strategy_ids)
        super().__init__(
            f"The client order id {client_order_id!r} exists in several strategies ({named}); add the strategy's id."
        )


class StrategyAmbiguous(ConflictError, code=ErrorCode.STRATEGY_AMBIGUOUS):
    """Several traders have a strategy of this name."""

    def __init__(self, name: str, strategy_ids: list[UUID]) -> None:
        named = ", ".join(str(strategy_id) for strategy_id in strategy_ids)
        super().__init__(f"Several traders have a strategy named {name!r} ({named}); choose one by its id.")


class AuthorizationConflict(ConflictError, code=ErrorCode.AUTHORIZATION_CONFLICT):
    """The order was authorized before with other input, or is submitted already."""


class OrderNotReleasable(ConflictError, code=ErrorCode.ORDER_NOT_RELEASABLE):
    """The order was submitted or is closed: only engine events release its hold."""


class EventNotResolvable(ConflictError, code=ErrorCode.EVENT_NOT_RESOLVABLE):
    """The event is not quarantined, or cannot be accepted because other content is applied under its id."""


class BudgetInUse(ConflictError, code=ErrorCode.BUDGET_IN_USE):
    """A budget with reservations cannot be deleted."""


class InstrumentInUse(ConflictError, code=ErrorCode.INSTRUMENT_IN_USE):
    """The terms that would change have been used to value fills or holds."""


class SignalConflict(ConflictError, code=ErrorCode.SIGNAL_CONFLICT):
    """A signal with this id was recorded before with other content."""

    def __init__(self, signal_id: UUID) -> None:
        super().__init__(f"Signal {signal_id} was recorded before with other content, which is unchanged.")


class KeyNameTaken(ConflictError, code=ErrorCode.KEY_NAME_TAKEN):
    """Another API key has or had this name. The audit log refers to keys by name, so names are never reused."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Another API key has or had the name {name!r}. Choose another name.")


class BadInputError(PurserError, code=ErrorCode.BAD_INPUT):
    """The request is invalid; the message says what would be valid."""


class InputInvalid(BadInputError):
    """One field of an input is invalid; `path` leads to it."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


class CursorInvalid(BadInputError, code=ErrorCode.CURSOR_INVALID):
    """The cursor belongs to another list or order."""

    message = "The cursor does not belong to this list in this order. Use one from a response to the same query."


class FeedCursorInvalid(BadInputError, code=ErrorCode.CURSOR_INVALID):
    """The cursor is not one of the change feed."""

    message = "The cursor is not one of the change feed. Use one from an event, unchanged."


class CursorExpired(BadInputError, code=ErrorCode.CURSOR_EXPIRED):
    """The change feed cannot resume: the cursor's rows were deleted, or the database was restored."""

    message = "This cursor has expired. Reload your data and subscribe again from a fresh feedCursor."


class NodeIdInvalid(BadInputError):
    """The id is not a node id of this service."""

    message = "The id is not a node id. Use one from a response, unchanged."


class PageTooLarge(BadInputError, code=ErrorCode.PAGE_TOO_LARGE):
    """The requested page has more rows than allowed."""

    def __init__(self, requested: int, rows_max: int) -> None:
        super().__init__(f"A page of {requested} rows was requested; the maximum is {rows_max}.")


class Unauthenticated(PurserError, code=ErrorCode.UNAUTHENTICATED):
    """The request needs an API key and has none (`is_wrong` is false) or a wrong one."""

    def __init__(self, *, is_wrong: bool) -> None:
        super().__init__(
            "The API key is unknown or revoked."
            if is_wrong
            else "An API key is required: send it as Authorization: Bearer KEY or as X-API-Key: KEY."
        )
        self.is_wrong = is_wrong


class Forbidden(PurserError, code=ErrorCode.FORBIDDEN):
    """The caller is known and lacks the permission."""


class TooManyAttempts(PurserError, code=ErrorCode.TOO_MANY_ATTEMPTS):
    """Too many wrong API keys came from one address."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many wrong API keys; try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds


class NotReadyError(PurserError, code=ErrorCode.NOT_READY):
    """The service cannot answer now; a retry may succeed."""


class Busy(NotReadyError, code=ErrorCode.BUSY):
    """Too many requests are waiting; nothing was done for this one."""

    message = "Too many requests are waiting; try again shortly."


class DatabaseUnavailable(NotReadyError):
    """PostgreSQL is unreachable or did not answer in time."""

    message = "The database is not reachable; try again shortly."


class RedisUnavailable(NotReadyError):
    """Redis is unreachable, or refuses access."""

    message = "Redis is not reachable; try again shortly."


class QueryTimeout(NotReadyError, code=ErrorCode.TIMEOUT):
    """A statement ran into the statement timeout."""

    message = "The query took too long. Narrow it, or try again."


class EmbeddedServerError(NotReadyError):
    """The embedded PostgreSQL cannot be started, found or stopped; the message may end with its log."""


class SettingsInvalid(PurserError, code=ErrorCode.BAD_INPUT):
    """The `PURSER_*` environment variables are invalid; the message has one line per problem."""


class DatabaseIncompatible(PurserError, code=ErrorCode.NOT_READY):
    """The database server is too old, or the schema is newer than this release."""


class OperationRefused(PurserError, code=ErrorCode.BAD_INPUT):
    """A command would do harm or cannot be carried out; the message says what to do instead."""
