"""The value types that the steps of recording pass on: incoming events, quarantine, fills, positions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from app.ledger.storage.locks import LockedStrategy
from app.models.orders import NO_REPEAT
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
_NO_REPEAT = str(NO_REPEAT)

OrderKey: TypeAlias = tuple[str, str]
"""(strategy_id, client_order_id)"""
PositionKey: TypeAlias = tuple[str, str]
"""(strategy_id, position_id)"""
PositionPlace: TypeAlias = tuple[str, str, int]
"""(strategy_id, position_id, generation)"""
Trail: TypeAlias = dict[int, list[PositionState]]
"""How a position stood after each fill, by the fill's `ts_event`; after a fill that flips it, both generations."""


class Incoming(Struct):
    """A decoded event with its stored form and its place (line or index) in what was sent."""

    place: int
    event: EngineEvent
    payload: str


@dataclass(slots=True)
class Rejected:
    """An event that cannot be recorded, with its place in what was sent."""

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
    """Instruments that are not recorded and have their first fills among these events."""
    discrepancies: int = 0
    """Position events that differ from the ledger."""
    revaluable: set[str] = field(default_factory=set)
    """Instruments that these events made known, or whose orders they could not value."""

    def __add__(self, other: "BatchResult") -> "BatchResult":
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return BatchResult(*(one | two if isinstance(one, set) else one + two for one, two in pairs))


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


class Quarantine(Struct):
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
    """The new events of a batch, numbered, without duplicates."""

    strategies: Mapping[str, LockedStrategy]
    """All strategies concerned, locked. Those of `new_strategies` were added."""
    arrivals: Sequence[Arrival] = ()
    conflicts: Sequence[Arrival] = ()
    signals: Sequence[SignalArrival] = ()
    new_strategies: Sequence[str] = ()
    duplicates: int = 0


class PositionRecord(Struct):
    """One row of `positions`: the computed state and what identifies it."""

    state: PositionState
    account_id: str
    instrument_id: str
    first: FillPlace
    last: FillPlace
    reconciliation: Reconciliation = Reconciliation.NOT_REPORTED
    before: "PositionRecord | None" = None
    """As it is stored; None for a position that is new."""

    @property
    def is_changed(self) -> bool:
        """Whether it is to be written."""
        return replace(self, before=None) != self.before

    @property
    def reserved(self) -> Decimal:
        """What it reserves of a budget: its cost while it is open."""
        return abs(self.state.cost) if self.state.signed_qty else _ZERO


class BookedFill(Struct):
    """A fill with its outcome. `before` is the stored outcome of a fill that is computed again."""

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
    repeat_id: str = _NO_REPEAT

    @property
    def seq(self) -> int:
        """The number of its event."""
        return self.place.seq


@dataclass(slots=True)
class PositionChanges:
    """What a batch's fills change."""

    fills: list[BookedFill] = field(default_factory=list)
    """New fills."""
    revised: list[BookedFill] = field(default_factory=list)
    """Fills stored earlier whose effect is another now."""
    records: dict[PositionPlace, PositionRecord] = field(default_factory=dict)
    removed: dict[PositionPlace, PositionRecord] = field(default_factory=dict)
    """Lives that do not exist any more."""
    new_instruments: dict[str, str] = field(default_factory=dict)
    """Instruments met for the first time: id -> currency."""
    valuations: dict[str, Valuation] = field(default_factory=dict)
    """Of the instruments of these fills."""
    trails: dict[PositionKey, Trail] = field(default_factory=dict)
    """Of the positions that moved."""
    latest: dict[PositionKey, PositionRecord] = field(default_factory=dict)
    """The last generation of each position concerned, as stored."""
    recomputed: dict[PositionKey, int] = field(default_factory=dict)
    """Positions that were computed again, from which `ts_event` on."""

    def moves(self) -> Iterator[tuple[PositionPlace, PositionRecord, int]]:
        """Each changed position as it was before the batch (-1) and as it is after the batch (1)."""
        for place, record in self.records.items():
            if record.before is not None:
                yield place, record.before, -1
            yield place, record, 1
        for place, record in self.removed.items():
            yield place, record, -1
