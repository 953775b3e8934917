"""Domain errors, raised by the ledger, the reads and the resolvers; each face turns them into its own words.

PurserError
├── NotFoundError               what was asked for does not exist
│   ├── OrderNotFound
│   ├── StrategyNotFound
│   ├── BudgetNotFound
│   ├── EventNotFound
│   └── KeyNotFound
├── ConflictError               the request contradicts what is stored
│   ├── OrderAmbiguous          several strategies share the client_order_id
│   ├── StrategyAmbiguous       several traders have a strategy of that name
│   ├── AuthorizationConflict   the order was authorized with other input, or is under way
│   ├── OrderNotReleasable      the order was submitted, or has ended
│   ├── EventNotResolvable      the event is applied, or cannot be
│   ├── BudgetInUse             the budget has something reserved
│   ├── InstrumentInUse         what would change has been used to value fills
│   ├── SignalConflict          the signal was recorded before with other content
│   └── KeyNameTaken            another API key has, or had, this name
├── BadInputError               the request cannot be understood
│   ├── InputInvalid            one field of an input is wrong; says which
│   ├── CursorInvalid           the cursor was not made by this list in this order
│   ├── FeedCursorInvalid       the cursor was not made by the change feed
│   ├── CursorExpired           the change feed goes on from the cursor no more
│   ├── NodeIdInvalid           the id was not made by this service
│   └── PageTooLarge            more rows asked for than a page may have
├── Unauthenticated             a key is needed, and there was none or a wrong one
├── Forbidden                   the key is right, but not for this
├── TooManyAttempts             too many wrong keys from one address
├── NotReadyError               the service cannot answer now; ask again
│   ├── Busy                    too many requests are waiting
│   ├── DatabaseUnavailable
│   ├── QuestionTooSlow         the statement timeout ended it
│   └── EmbeddedServerError     the embedded PostgreSQL cannot be started, found or stopped
├── SettingsInvalid             the environment's PURSER_* variables cannot be used
├── DatabaseUnfit               the database is too old, or its schema newer than this release
└── OperationRefused            a command would do harm, or cannot do what was asked
"""

from enum import StrEnum
from uuid import UUID


class ErrorCode(StrEnum):
    """Every code a client can meet. Part of the contract: add, never rename."""

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
    """A refusal with a stable code and a message for the caller."""

    code: ErrorCode = ErrorCode.INTERNAL


class NotFoundError(PurserError):
    """What was asked for does not exist."""

    code = ErrorCode.NOT_FOUND


class OrderNotFound(NotFoundError):
    """No order has this client_order_id."""

    code = ErrorCode.ORDER_NOT_FOUND

    def __init__(self, client_order_id: str) -> None:
        super().__init__(f"No order has client_order_id {client_order_id!r}.")


class StrategyNotFound(NotFoundError):
    """No strategy has this id (a UUID) or name (a text)."""

    code = ErrorCode.STRATEGY_NOT_FOUND

    def __init__(self, strategy: str | UUID) -> None:
        kind = "id" if isinstance(strategy, UUID) else "id or name"
        super().__init__(f"No strategy has the {kind} {str(strategy)!r}.")


class BudgetNotFound(NotFoundError):
    """The strategy has no budget in this currency; `meant` is one that it has, and that was probably meant."""

    code = ErrorCode.BUDGET_NOT_FOUND

    def __init__(self, strategy_id: UUID, currency: str | None = None, meant: str | None = None) -> None:
        which = "no budget" if currency is None else f"no budget in {currency!r}"
        hint = "" if meant is None else f" Did you mean {meant}?"
        super().__init__(f"Strategy {strategy_id} has {which}.{hint}")


class EventNotFound(NotFoundError):
    """The strategy has no event of this id and variant."""

    code = ErrorCode.EVENT_NOT_FOUND

    def __init__(self, event_id: str, variant: int) -> None:
        which = f" and variant {variant}" if variant else ""
        super().__init__(f"The strategy has no event with id {event_id}{which}.")


class KeyNotFound(NotFoundError):
    """No API key has this id, or this name."""

    code = ErrorCode.KEY_NOT_FOUND

    def __init__(self, key: str, *, by_name: bool) -> None:
        super().__init__(
            f"No API key has the name {key!r}."
            if by_name
            else f"No API key has the id {key!r}; purser keys list shows ids, and --name revokes a key by its name."
        )


class ConflictError(PurserError):
    """The request contradicts what is stored."""


class OrderAmbiguous(ConflictError):
    """Several strategies have an order with this client_order_id."""

    code = ErrorCode.ORDER_AMBIGUOUS

    def __init__(self, client_order_id: str, strategy_ids: list[UUID]) -> None:
        named = ", ".join(str(strategy_id) for strategy_id in strategy_ids)
        super().__init__(
            f"client_order_id {client_order_id!r} exists in several strategies ({named}); say which with strategy_id."
        )


class StrategyAmbiguous(ConflictError):
    """Several traders have a strategy of this name."""

    code = ErrorCode.STRATEGY_AMBIGUOUS

    def __init__(self, name: str, strategy_ids: list[UUID]) -> None:
        named = ", ".join(str(strategy_id) for strategy_id in strategy_ids)
        super().__init__(f"Several traders have a strategy named {name!r} ({named}); say which by its id.")


class AuthorizationConflict(ConflictError):
    """The order was authorized before with other input, or is under way already."""

    code = ErrorCode.AUTHORIZATION_CONFLICT


class OrderNotReleasable(ConflictError):
    """The order was submitted, or has ended: its hold is freed by the engine's events alone."""

    code = ErrorCode.ORDER_NOT_RELEASABLE


class EventNotResolvable(ConflictError):
    """The event is not in quarantine, or cannot be accepted: another content under its id is applied."""

    code = ErrorCode.EVENT_NOT_RESOLVABLE


class BudgetInUse(ConflictError):
    """A budget with something reserved cannot be deleted."""

    code = ErrorCode.BUDGET_IN_USE


class InstrumentInUse(ConflictError):
    """What would change of the instrument has been used to value fills or holds."""

    code = ErrorCode.INSTRUMENT_IN_USE


class SignalConflict(ConflictError):
    """A signal with this id and other content was recorded before, and stands."""

    code = ErrorCode.SIGNAL_CONFLICT

    def __init__(self, signal_id: UUID) -> None:
        super().__init__(f"Signal {signal_id} was recorded before with other content; it stays as it was.")


class KeyNameTaken(ConflictError):
    """Another API key has, or had, this name; the audit log names who acted by it."""

    code = ErrorCode.KEY_NAME_TAKEN

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a key named {name!r} already, or there was; choose another name.")


class BadInputError(PurserError):
    """The request cannot be understood; the message says what would be."""

    code = ErrorCode.BAD_INPUT


class InputInvalid(BadInputError):
    """One field of an input is wrong; `path` leads to it."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


class CursorInvalid(BadInputError):
    """A cursor that this list, in this order, did not make."""

    code = ErrorCode.CURSOR_INVALID

    def __init__(self) -> None:
        super().__init__(
            "The cursor is not one of this list in this order; take it from an answer to the same question."
        )


class FeedCursorInvalid(BadInputError):
    """A cursor that the change feed did not make."""

    code = ErrorCode.CURSOR_INVALID

    def __init__(self) -> None:
        super().__init__("The cursor is not one of the change feed; take it from an event, as it is.")


class CursorExpired(BadInputError):
    """A cursor from which the change feed cannot go on: its rows are gone, or the database was restored."""

    code = ErrorCode.CURSOR_EXPIRED

    def __init__(self) -> None:
        super().__init__("The change feed goes on from this cursor no more: read everything anew, then follow again.")


class NodeIdInvalid(BadInputError):
    """An id that this service did not make."""

    def __init__(self) -> None:
        super().__init__("The id is not one of a node; take it from an answer, as it is.")


class PageTooLarge(BadInputError):
    """A page of more rows than one answer may have."""

    code = ErrorCode.PAGE_TOO_LARGE

    def __init__(self, asked: int, rows_max: int) -> None:
        super().__init__(f"A page of {asked} rows was asked for; at most {rows_max} are given at once.")


class Unauthenticated(PurserError):
    """A key is needed, and the request had none or a wrong one."""

    code = ErrorCode.UNAUTHENTICATED

    def __init__(self, *, is_wrong: bool) -> None:
        super().__init__(
            "The API key is not one that is in use."
            if is_wrong
            else "An API key is needed: send it as Authorization: Bearer KEY or as X-API-Key: KEY."
        )
        self.is_wrong = is_wrong


class Forbidden(PurserError):
    """Who asks is known, and may not do this."""

    code = ErrorCode.FORBIDDEN


class TooManyAttempts(PurserError):
    """Too many wrong keys came from one address."""

    code = ErrorCode.TOO_MANY_ATTEMPTS

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many wrong API keys; try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds


class NotReadyError(PurserError):
    """The service cannot answer now; the same request may succeed later."""

    code = ErrorCode.NOT_READY


class Busy(NotReadyError):
    """More requests are waiting than can be answered in good time; nothing was done for this one."""

    code = ErrorCode.BUSY

    def __init__(self) -> None:
        super().__init__("Too many requests are waiting; try again shortly.")


class DatabaseUnavailable(NotReadyError):
    """PostgreSQL did not answer in time or is not reachable."""

    def __init__(self, reason: str = "The database is not reachable; try again shortly.") -> None:
        super().__init__(reason)


class QuestionTooSlow(NotReadyError):
    """PostgreSQL worked on the answer for longer than a statement may run."""

    code = ErrorCode.TIMEOUT

    def __init__(self) -> None:
        super().__init__("The question took too long to answer; narrow it, or try again.")


class EmbeddedServerError(NotReadyError):
    """The embedded PostgreSQL cannot be started, found or stopped; the message ends with its log."""


class SettingsInvalid(PurserError):
    """The environment's PURSER_* variables cannot be used; one line for each problem."""

    code = ErrorCode.BAD_INPUT


class DatabaseUnfit(PurserError):
    """The database is too old, or its schema newer than this release."""

    code = ErrorCode.NOT_READY


class OperationRefused(PurserError):
    """A command would do harm, or cannot do what was asked; the message says what to do instead."""

    code = ErrorCode.BAD_INPUT
