"""The value types of recording: incoming events, quarantine, fills, positions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from app.ledger.storage.locks import LockedStrategy
from app.models.orders import NO_REPEAT as _NO_REPEAT
from app.rules.enums import QuarantineCode, Reconciliation
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
from app.rules.positions import FillOutcome, FillPlace, PositionFill, PositionState
from app.rules.valuation import Valuation

_ZERO = Decimal(0)
NO_REPEAT = str(_NO_REPEAT)

OrderKey: TypeAlias = tuple[str, str]
"""(strategy_id, client_order_id)"""
PositionKey: TypeAlias = tuple[str, str]
"""(strategy_id, position_id)"""
PositionPlace: TypeAlias = tuple[str, str, int]
"""(strategy_id, position_id, generation)"""
Trail: TypeAlias = dict[int, list[PositionState]]
"""The position's states after each fill, by the fill's `ts_event`. A flip adds both generations."""


class Incoming(Struct):
    """A decoded event with its stored form and its place (line or index) in the input."""

    place: int
    event: EngineEvent
    payload: str


@dataclass(slots=True)
class Rejected:
    """An event that cannot be recorded, with its place in the input."""

    place: int
    event_id: str | None
    code: str
    message: str


@dataclass(slots=True)
class BatchResult:
    """The result of recording a batch. Duplicates were recorded before and changed nothing."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    assumed: set[str] = field(default_factory=set)
    """Instruments without recorded terms whose first fills are in this batch."""
    discrepancies: int = 0
    """The number of position events that differ from the ledger."""
    revaluable: set[str] = field(default_factory=set)
    """Instruments that this batch made known, or whose orders it could not value."""

    def __add__(self, other: "BatchResult") -> "BatchResult":
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return BatchResult(*(one | two if isinstance(one, set) else one + two for one, two in pairs))


class Arrival(Struct):
    """A new event with its number. `variant` above 0: other content under a known event id."""

    strategy_id: str
    seq: int
    event: OrderHistoryEvent | QuarantineResolved | AnyPositionEvent
    payload: str
    variant: int = 0

    @property
    def client_order_id(self) -> str:
        """The event's order. A position event names the order that opened the position."""
        event = self.event
        return event.opening_order_id if isinstance(event, PositionEvent) else event.client_order_id

    @property
    def subject(self) -> tuple[str | None, str | None]:
        """The order or position of the event: (client_order_id, position_id); one of them is None."""
        event = self.event
        if type(event) in POSITION_EVENTS:
            return None, event.position_id  # type: ignore[union-attr]
        return event.client_order_id, None  # type: ignore[union-attr]


@dataclass(slots=True)
class SignalArrival:
    """A signal with its place in the input. `strategy_id` is the nil UUID if the signal names no strategy."""

    place: int
    strategy_id: str
    event: SignalPublished


class Quarantine(Struct):
    """A stored event that is not applied, with the reason."""

    strategy_id: str
    event_id: str
    variant: int
    client_order_id: str
    ts_event: int
    code: QuarantineCode
    reason: str


class NewFill(Struct):
    """A fill to apply to its position."""

    strategy_id: str
    seq: int
    event: OrderFilled
    is_repeat: bool = False
    """Whether an admin accepted the fill although its trade was recorded before."""


@dataclass(slots=True)
class Admitted:
    """The new events of a batch, numbered, without duplicates."""

    strategies: Mapping[str, LockedStrategy]
    """All strategies concerned, locked. Those of `new_strategies` were added."""
    arrivals: Sequence[Arrival] = ()
    conflicts: Sequence[Arrival] = ()
    signals: Sequence[SignalArrival] = ()
    new_strategies: Sequence[str] = ()
    duplicates: int = 0


class PositionRecord(Struct):
    """One row of `positions`."""

    state: PositionState
    account_id: str
    instrument_id: str
    first: FillPlace
    last: FillPlace
    reconciliation: Reconciliation = Reconciliation.NOT_REPORTED
    before: "PositionRecord | None" = None
    """The stored record; None for a new position."""

    @property
    def is_changed(self) -> bool:
        """Whether the record differs from the stored one."""
        return replace(self, before=None) != self.before

    @property
    def reserved(self) -> Decimal:
        """The amount that the position reserves of a budget: its cost while it is open."""
        return abs(self.state.cost) if self.state.signed_qty else _ZERO


class BookedFill(Struct):
    """A fill with its outcome. `before` is the stored outcome of a fill that is recomputed."""

    strategy_id: str
    event_id: str
    position_id: str
    place: FillPlace
    fill: PositionFill
    instrument_id: str
    account_id: str
    event: OrderFilled | None = None
    outcome: FillOutcome = FillOutcome()
    before: FillOutcome | None = None
    repeat_id: str = NO_REPEAT

    @property
    def seq(self) -> int:
        """The number of the fill's event."""
        return self.place.seq


@dataclass(slots=True)
class PositionChanges:
    """The changes made by the fills of a batch."""

    fills: list[BookedFill] = field(default_factory=list)
    """New fills."""
    revised: list[BookedFill] = field(default_factory=list)
    """Stored fills with a new outcome."""
    records: dict[PositionPlace, PositionRecord] = field(default_factory=dict)
    removed: dict[PositionPlace, PositionRecord] = field(default_factory=dict)
    """Generations that no longer exist."""
    new_instruments: dict[str, str] = field(default_factory=dict)
    """Newly met instruments: id -> currency."""
    valuations: dict[str, Valuation] = field(default_factory=dict)
    """The valuations of the fills' instruments."""
    trails: dict[PositionKey, Trail] = field(default_factory=dict)
    """The states of the changed positions."""
    latest: dict[PositionKey, PositionRecord] = field(default_factory=dict)
    """The last stored generation of each position concerned."""
    recomputed: dict[PositionKey, int] = field(default_factory=dict)
    """Recomputed positions, with the `ts_event` from which they were recomputed."""

    def moves(self) -> Iterator[tuple[PositionPlace, PositionRecord, int]]:
        """Each changed position as it was before the batch (-1) and as it is after the batch (1)."""
        for place, record in self.records.items():
            if record.before is not None:
                yield place, record.before, -1
            yield place, record, 1
        for place, record in self.removed.items():
            yield place, record, -1
