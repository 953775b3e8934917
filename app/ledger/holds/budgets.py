"""Budgets of strategies whose rows are locked: read once, changed in memory, journaled, written once."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from app.database import WriteConnection
from app.ledger.storage.query_batch import Query, ask
from app.ledger.storage.writing import Insert, Part, Row, Update, write
from app.models import Budget, BudgetJournalEntry
from app.rules.budgets import BudgetState, JournalEntry
from app.rules.enums import BudgetOverReason, JournalReason

BudgetKey = tuple[str, str]
"""(strategy_id, currency)"""

_LOAD = "SELECT * FROM budgets WHERE strategy_id = ANY($1::uuid[])"
_COLUMNS = (
    *("strategy_id", "currency", "allocated", "reserved_orders", "reserved_positions"),
    *("over_reason", "version", "created_at", "updated_at"),
)
_JOURNAL_COLUMNS = (
    *("strategy_id", "currency", "version", "ts", "reason", "client_order_id"),
    *("allocated_before", "allocated_after", "reserved_before", "reserved_after"),
)


class _BudgetRow(Struct):
    strategy_id: str
    currency: str
    allocated: Decimal | None
    reserved_orders: Decimal
    reserved_positions: Decimal
    over_reason: BudgetOverReason | None
    version: int
    created_at: int | None
    updated_at: int

    def state(self) -> BudgetState:
        return BudgetState(
            allocated=self.allocated,
            reserved_orders=self.reserved_orders,
            reserved_positions=self.reserved_positions,
            over_reason=self.over_reason,
            version=self.version,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


_ROWS = Decoder(list[_BudgetRow])


class BudgetBook:
    """The budgets of some strategies, in all currencies. The transaction must have locked the strategies."""

    def __init__(self, states: dict[BudgetKey, BudgetState], now: int) -> None:
        """`now` stamps every change: nanoseconds since the epoch."""
        self._states = states
        self._stored = set(states)
        self._now = now
        self._journal: list[tuple[BudgetKey, JournalEntry]] = []
        self._changed: dict[BudgetKey, BudgetState] = {}

    @classmethod
    def of(cls, strategy_ids: Iterable[str], now: int) -> "Query[BudgetBook]":
        """The budgets of these strategies, with or without a cap."""

        def read(rows: list[_BudgetRow]) -> BudgetBook:
            return cls({(row.strategy_id, row.currency): row.state() for row in rows}, now)

        return Query(_LOAD, [list(strategy_ids)], _ROWS, read)

    @classmethod
    async def load(cls, work: WriteConnection, strategy_ids: Iterable[str], now: int) -> "BudgetBook":
        """The same, asked at once."""
        (book,) = await ask(work, cls.of(strategy_ids, now))
        return book  # type: ignore[no-any-return]

    def find(self, key: BudgetKey) -> BudgetState | None:
        """The budget, where one is set."""
        state = self._states.get(key)
        return state if state is not None and state.allocated is not None else None

    def currencies(self, strategy_id: str) -> list[str]:
        """In which the strategy has a budget."""
        return [key[1] for key in self._states if key[0] == strategy_id and self.find(key) is not None]

    def reserve(
        self,
        key: BudgetKey,
        reason: JournalReason,
        client_order_id: str | None,
        *,
        orders: Decimal = Decimal(0),
        positions: Decimal = Decimal(0),
    ) -> None:
        """Add to what is reserved; negative amounts release."""
        if orders or positions:
            state = self._states.setdefault(key, BudgetState())
            self._note(key, state, state.reserve(orders, positions, reason, client_order_id, self._now))

    def allocate(self, key: BudgetKey, allocated: Decimal | None) -> None:
        """Set the cap; None takes the budget away."""
        state = self._states.setdefault(key, BudgetState())
        self._note(key, state, state.allocate(allocated, self._now))

    @property
    def changed(self) -> list[BudgetKey]:
        """Which budgets changed."""
        return list(self._changed)

    def parts(self) -> list[Part]:
        """The rows of changed budgets and of their journal. Call once, after the last change."""
        new: list[Row] = []
        known: list[Row] = []
        for key, state in self._changed.items():
            state.note_over()
            row = (
                *(*key, state.allocated, state.reserved_orders, state.reserved_positions),
                *(state.over_reason, state.version, state.created_at, state.updated_at),
            )
            (known if key in self._stored else new).append(row)
        entries = [
            (
                *(*key, entry.version, entry.ts, entry.reason, entry.client_order_id),
                *(entry.allocated_before, entry.allocated_after, entry.reserved_before, entry.reserved_after),
            )
            for key, entry in self._journal
        ]
        return [
            Insert(BudgetJournalEntry, _JOURNAL_COLUMNS, entries),
            Insert(Budget, _COLUMNS, new),
            Update(Budget, _COLUMNS, known),
        ]

    async def write(self, work: WriteConnection) -> list[BudgetKey]:
        """Write it. Answers which budgets changed."""
        await write(work, self.parts())
        return self.changed

    def _note(self, key: BudgetKey, state: BudgetState, entry: JournalEntry | None) -> None:
        self._changed[key] = state
        if entry is not None:
            self._journal.append((key, entry))
