"""Budgets of strategies whose rows are locked: read once, changed in memory, journaled, written once."""

from collections.abc import Iterable
from decimal import Decimal

from app.database import WriteConnection
from app.ledger.writing import Insert, Merge, Part, write
from app.models import Budget, BudgetJournalEntry
from app.rules.budgets import BudgetState, JournalEntry
from app.rules.enums import BudgetOverReason, JournalReason

BudgetKey = tuple[str, str]
"""(strategy_id, currency)"""

_LOAD = "SELECT * FROM budgets WHERE strategy_id = ANY($1)"
_COLUMNS = (
    *("strategy_id", "currency", "allocated", "reserved_orders", "reserved_positions"),
    *("over_reason", "version", "created_at", "updated_at"),
)
_JOURNAL_COLUMNS = (
    *("strategy_id", "currency", "version", "ts", "reason", "client_order_id"),
    *("allocated_before", "allocated_after", "reserved_before", "reserved_after"),
)


class BudgetBook:
    """What some strategies tie up, in all currencies. Their rows in `strategies` must be locked by the transaction."""

    def __init__(self, states: dict[BudgetKey, BudgetState], now: int) -> None:
        """`now` stamps every change: nanoseconds since the epoch."""
        self._states = states
        self._now = now
        self._journal: list[tuple[BudgetKey, JournalEntry]] = []
        self._changed: dict[BudgetKey, BudgetState] = {}

    @classmethod
    async def load(cls, work: WriteConnection, strategy_ids: Iterable[str], now: int) -> "BudgetBook":
        """The budgets of these strategies, with or without a cap."""
        states: dict[BudgetKey, BudgetState] = {}
        for row in await work.fetch(_LOAD, list(strategy_ids)):
            over = row["over_reason"]
            states[str(row["strategy_id"]), row["currency"]] = BudgetState(
                allocated=row["allocated"],
                reserved_orders=row["reserved_orders"],
                reserved_positions=row["reserved_positions"],
                over_reason=BudgetOverReason(over) if over else None,
                version=row["version"],
                created_at=row["created_at"],
                updated_at=row["updated_at"],
            )
        return cls(states, now)

    def find(self, key: BudgetKey) -> BudgetState | None:
        """The budget, where one is set."""
        state = self._states.get(key)
        return state if state is not None and state.allocated is not None else None

    def reserved(self, key: BudgetKey) -> Decimal:
        """What is tied up, budget or not."""
        state = self._states.get(key)
        return state.reserved if state is not None else Decimal(0)

    def tie_up(
        self,
        key: BudgetKey,
        reason: JournalReason,
        client_order_id: str | None,
        *,
        orders: Decimal = Decimal(0),
        positions: Decimal = Decimal(0),
    ) -> None:
        """Add to what is reserved; negative amounts let go."""
        if orders or positions:
            state = self._states.setdefault(key, BudgetState())
            self._note(key, state, state.tie_up(orders, positions, reason, client_order_id, self._now))

    def allocate(self, key: BudgetKey, allocated: Decimal | None) -> None:
        """Set the cap; None takes the budget away."""
        state = self._states.setdefault(key, BudgetState())
        self._note(key, state, state.allocate(allocated, self._now))

    @property
    def changed(self) -> list[BudgetKey]:
        """Which budgets changed."""
        return list(self._changed)

    def parts(self) -> list[Part]:
        """What changed, and the journal: what is to be written at the end of the act."""
        for state in self._changed.values():
            state.note_over()
        rows = [
            (
                *(*key, state.allocated, state.reserved_orders, state.reserved_positions),
                *(state.over_reason, state.version, state.created_at, state.updated_at),
            )
            for key, state in self._changed.items()
        ]
        journal = [
            (
                *(*key, entry.version, entry.ts, entry.reason, entry.client_order_id),
                *(entry.allocated_before, entry.allocated_after, entry.reserved_before, entry.reserved_after),
            )
            for key, entry in self._journal
        ]
        return [Merge(Budget, _COLUMNS, rows), Insert(BudgetJournalEntry, _JOURNAL_COLUMNS, journal)]

    async def write(self, work: WriteConnection) -> list[BudgetKey]:
        """Write it. Answers which budgets changed."""
        await write(work, self.parts())
        return self.changed

    def _note(self, key: BudgetKey, state: BudgetState, entry: JournalEntry | None) -> None:
        self._changed[key] = state
        if entry is not None:
            self._journal.append((key, entry))
