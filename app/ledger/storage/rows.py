"""The mappings of the ledger's values to rows (`row_mapping`), and rows of events."""

from operator import attrgetter

import asyncpg

from app.ledger.batch import Arrival, BookedFill, PositionPlace, PositionRecord, Quarantine
from app.ledger.storage.row_mapping import Fields, Row, RowMapping, columns_of
from app.models.administration import Budget, BudgetJournalEntry
from app.models.feed import Change
from app.models.orders import Fill, Hold, Order, OrderEvent, Position, QuarantinedEvent
from app.rules.budgets import BudgetState, JournalEntry
from app.rules.enums import Reconciliation
from app.rules.events import OrderFilled
from app.rules.holds import HoldState
from app.rules.order_state import OrderState
from app.rules.positions import FillOutcome, FillPlace, PositionFill, PositionState

ORDER_STATE = Fields(
    Order,
    OrderState,
    derived=("avg_px", "overfilled"),
    joined=("strategy_name",),
    unstored=("is_emulated", "reference_price", "submission_px", "best_px", "qty_exponent"),
)
ORDERS = RowMapping(("strategy_id", "client_order_id", "waiting"), ORDER_STATE)

POSITION_STATE = Fields(Position, PositionState, derived=("status", "side"))
FIRST_PLACE = Fields(Position, FillPlace, prefix="first_", renamed={"ts_event": "ts_opened"})
LAST_PLACE = Fields(Position, FillPlace, prefix="last_")
POSITIONS = RowMapping(
    ("strategy_id", "position_id", "account_id", "instrument_id", "reconciliation"),
    POSITION_STATE,
    FIRST_PLACE,
    LAST_PLACE,
)

FILL_TERMS = Fields(Fill, PositionFill)
FILL_PLACE = Fields(Fill, FillPlace)
FILL_OUTCOME = Fields(Fill, FillOutcome)
_OF_BOOKED = ("strategy_id", "event_id", "account_id", "instrument_id", "position_id", "repeat_id")
_OF_EVENT = ("trade_id", "client_order_id", "venue_order_id", "liquidity_side")
_of_booked, _of_event = attrgetter(*_OF_BOOKED), attrgetter(*_OF_EVENT)
FILLS = RowMapping((*_OF_BOOKED, *_OF_EVENT), FILL_TERMS, FILL_PLACE, FILL_OUTCOME)

HOLD_STATE = Fields(Hold, HoldState, derived=("amount",))
HOLDS = RowMapping(("strategy_id", "client_order_id"), HOLD_STATE)
BUDGETS = RowMapping(("strategy_id", "currency"), Fields(Budget, BudgetState, unstored=("cause",)))
JOURNAL = RowMapping(("strategy_id", "currency"), Fields(BudgetJournalEntry, JournalEntry))
QUARANTINE = Fields(QuarantinedEvent, Quarantine)
QUARANTINED = RowMapping((), QUARANTINE)

EVENT_COLUMNS = columns_of(OrderEvent)
CHANGE_COLUMNS = columns_of(Change, leaving=("id", "xid"))
"""The columns that PostgreSQL does not fill by itself."""


def event_row(arrival: Arrival) -> Row:
    """A row of `order_events`, in the order of EVENT_COLUMNS."""
    event = arrival.event
    order_id, position_id = arrival.subject
    return (
        arrival.strategy_id,
        event.event_id,
        arrival.variant,
        arrival.seq,
        type(event).__name__,
        order_id,
        event.ts_event,
        event.ts_init,
        arrival.payload,
        position_id,
    )


def booked_of(row: asyncpg.Record) -> BookedFill:
    """A stored fill, with its stored outcome as `before`."""
    outcome = FILL_OUTCOME.read(row)
    return BookedFill(
        strategy_id=str(row["strategy_id"]),
        event_id=str(row["event_id"]),
        position_id=row["position_id"],
        place=FILL_PLACE.read(row),
        fill=FILL_TERMS.read(row),
        instrument_id=row["instrument_id"],
        account_id=row["account_id"],
        outcome=outcome,
        before=outcome,
    )


def fill_values(booked: BookedFill, event: OrderFilled) -> Row:
    """A row of `fills`, in the order of FILLS.columns."""
    return FILLS.values((*_of_booked(booked), *_of_event(event)), booked.fill, booked.place, booked.outcome)


def position_of(row: asyncpg.Record) -> PositionRecord:
    """A stored position."""
    return PositionRecord(
        POSITION_STATE.read(row),
        row["account_id"],
        row["instrument_id"],
        FIRST_PLACE.read(row),
        LAST_PLACE.read(row),
        Reconciliation(row["reconciliation"]),
    )


def position_values(place: PositionPlace, record: PositionRecord) -> Row:
    """A row of `positions`, in the order of POSITIONS.columns."""
    loose = (*place[:2], record.account_id, record.instrument_id, record.reconciliation)
    return POSITIONS.values(loose, record.state, record.first, record.last)
