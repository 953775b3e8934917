"""A batch of engine messages, whichever way they arrived: events and instruments to record, and what is refused."""

from dataclasses import dataclass, field, fields

from app.database import Database
from app.event_codec import NOT_A_LEDGER_EVENT, BadEvent, EngineMessage
from app.ledger.administration.instruments import record_each
from app.ledger.batch import Incoming, Rejected
from app.ledger.recording.record import record_events
from app.principal import LOCAL
from app.rules.valuation import InstrumentDefinition


@dataclass(slots=True, kw_only=True)
class MessageCounts:
    """Counts of messages by outcome."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    instruments: int = 0
    passed_over: int = 0
    """Messages that the ledger does not store (account states)."""
    rejected: int = 0

    def add(self, counts: "MessageCounts") -> None:
        """Add other counts to these."""
        for one in fields(MessageCounts):
            setattr(self, one.name, getattr(self, one.name) + getattr(counts, one.name))

    def __str__(self) -> str:
        always = (
            (self.accepted, "new"),
            (self.duplicates, "duplicate"),
            (self.quarantined, "quarantined"),
            (self.rejected, "refused"),
        )
        if_any = ((self.instruments, "instruments"), (self.passed_over, "passed over"))
        return ", ".join(f"{count:,} {name}" for count, name in (*always, *(one for one in if_any if one[0])))


@dataclass(slots=True)
class MessageBatch:
    """Messages with their places in the input."""

    incoming: list[Incoming] = field(default_factory=list)
    instruments: list[tuple[int, InstrumentDefinition]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    passed_over: int = 0

    def add(self, place: int, message: EngineMessage) -> None:
        """Add a message to record."""
        if isinstance(message, InstrumentDefinition):
            self.instruments.append((place, message))
        else:
            self.incoming.append(Incoming(place, *message))

    def refuse(self, place: int, bad: BadEvent) -> None:
        """Count a message that the ledger does not store, or reject one that cannot be recorded."""
        if bad.code == NOT_A_LEDGER_EVENT:
            self.passed_over += 1
        else:
            self.rejected.append(Rejected(place, bad.event_id, bad.code, bad.message))


async def record_batch(database: Database, batch: MessageBatch) -> tuple[MessageCounts, list[Rejected]]:
    """Record the instruments of a batch, then its events in one transaction. Repeating it changes nothing.

    Returns the counts and the rejected messages by place. Raises DatabaseUnavailable.
    """
    instruments, refused = await record_each(database, LOCAL, batch.instruments)
    recorded = await record_events(database, batch.incoming)
    rejected = sorted([*batch.rejected, *refused, *recorded.rejected], key=lambda one: one.place)
    counts = MessageCounts(
        accepted=recorded.accepted,
        duplicates=recorded.duplicates,
        quarantined=recorded.quarantined,
        instruments=instruments,
        passed_over=batch.passed_over,
        rejected=len(rejected),
    )
    return counts, rejected
