"""What the steps of recording hand on to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from app.ledger.storage.locks import LockedStrategy
from app.rules.enums import QuarantineCode
from app.rules.events import (
    POSITION_EVENTS,
    AnyPositionEvent,
    EngineEvent,
    OrderFilled,
    OrderHistoryEvent,
    PositionEvent,
    QuarantineResolved,
    SignalPublished,
)

OrderKey = tuple[str, str]
"""(strategy_id, client_order_id)"""


class Incoming(Struct):
    """An event that was decoded, with its whole text and its place (line or index) in what was sent."""

    place: int
    event: EngineEvent
    payload: str


@dataclass(slots=True)
class Rejected:
    """An event that could not be taken in at all, with its place in what was sent."""

    place: int
    event_id: str | None
    code: str
    message: str


@dataclass(slots=True)
class RecordedEvents:
    """What became of the events that were sent. Duplicates were recorded before and changed nothing."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    assumed: set[str] = field(default_factory=set)
    """Instruments that are not recorded and have their first fills among these events."""
    discrepancies: int = 0
    """Position events that differ from the ledger."""
    revaluable: set[str] = field(default_factory=set)
    """Instruments that these events made known, or whose orders they could not value."""

    def __add__(self, other: "RecordedEvents") -> "RecordedEvents":
        return RecordedEvents(
            accepted=self.accepted + other.accepted,
            duplicates=self.duplicates + other.duplicates,
            quarantined=self.quarantined + other.quarantined,
            rejected=self.rejected + other.rejected,
            assumed=self.assumed | other.assumed,
            discrepancies=self.discrepancies + other.discrepancies,
            revaluable=self.revaluable | other.revaluable,
        )


class Arrival(Struct):
    """A new event with its place in the order of arrival. `variant` above 0: other content under a known id."""

    strategy_id: str
    seq: int
    event: OrderHistoryEvent | QuarantineResolved | AnyPositionEvent
    payload: str
    variant: int = 0

    @property
    def client_order_id(self) -> str:
        """The order concerned; a position event names the order that opened the position."""
        event = self.event
        return event.opening_order_id if isinstance(event, PositionEvent) else event.client_order_id

    @property
    def subject(self) -> tuple[str | None, str | None]:
        """The order whose event it is, or the position that it reports of: (client_order_id, position_id)."""
        event = self.event
        if type(event) in POSITION_EVENTS:
            return None, event.position_id  # type: ignore[union-attr]
        return event.client_order_id, None  # type: ignore[union-attr]


@dataclass(slots=True)
class SignalArrival:
    """A signal with its place in what was sent. `strategy_id` is the nil UUID where it names no strategy."""

    place: int
    strategy_id: str
    event: SignalPublished


@dataclass(slots=True)
class Quarantine:
    """A stored event that is not applied, and why."""

    strategy_id: str
    event_id: str
    variant: int
    client_order_id: str
    ts_event: int
    code: QuarantineCode
    reason: str


class NewFill(Struct):
    """A fill whose money is to be moved now."""

    strategy_id: str
    seq: int
    event: OrderFilled
    is_repeat: bool = False
    """Whether it counts though its trade was recorded before: an admin accepted it."""


@dataclass(slots=True)
class Admitted:
    """The new events of a batch, after duplicates were dropped."""

    arrivals: Sequence[Arrival]
    conflicts: Sequence[Arrival]
    signals: Sequence[SignalArrival]
    strategies: Mapping[str, LockedStrategy]
    """All that are concerned, locked; those of `new_strategies` were made."""
    new_strategies: Sequence[str]
    duplicates: int
