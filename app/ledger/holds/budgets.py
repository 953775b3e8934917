"""Budgets of locked strategies: read once, changed in memory, journaled, written once."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from app.ledger.storage.queries import BatchQuery
from app.ledger.storage.row_mapping import Row
from app.ledger.storage.rows import BUDGETS, JOURNAL
from app.ledger.storage.writing import Insert, TableWrite, Update
from app.models.administration import Budget, BudgetJournalEntry
from app.rules.budgets import BudgetState, JournalEntry
from app.rules.enums import JournalReason

BudgetKey = tuple[str, str]
"""(strategy_id, currency)"""

# `b` is the whole row as one value, decoded as a BudgetState by field names.
_LOAD = "SELECT strategy_id, currency, b AS state FROM budgets b WHERE strategy_id = ANY($1::uuid[])"


class _BudgetRow(Struct):
    strategy_id: str
    currency: str
    state: BudgetState


_ROWS = Decoder(list[_BudgetRow])


class BudgetBook:
    """The budgets of some strategies, in all currencies. The transaction must have locked the strategies."""

    def __init__(self, states: dict[BudgetKey, BudgetState], now: int) -> None:
        """`now` is the time of every change, in nanoseconds since the epoch."""
        self._states = states
        self._stored = set(states)
        self._now = now
        self._journal: list[tuple[BudgetKey, JournalEntry]] = []
        self.changed: dict[BudgetKey, BudgetState] = {}

    @classmethod
    def of(cls, strategy_ids: Iterable[str], now: int) -> "BatchQuery[BudgetBook]":
        """The budgets and reservations of these strategies, also without a cap."""

        def read(rows: list[_BudgetRow]) -> BudgetBook:
            return cls({(row.strategy_id, row.currency): row.state for row in rows}, now)

        return BatchQuery(_LOAD, [list(strategy_ids)], _ROWS, read)

    def find(self, key: BudgetKey) -> BudgetState | None:
        """The budget; None if no cap is set."""
        state = self._states.get(key)
        return state if state is not None and state.allocated is not None else None

    def currencies(self, strategy_id: str) -> list[str]:
        """The currencies in which the strategy has a budget."""
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
        """Add to the reserved amounts; negative amounts release."""
        if orders or positions:
            state = self._states.setdefault(key, BudgetState())
            self._note(key, state, state.reserve(orders, positions, reason, client_order_id, self._now))

    def allocate(self, key: BudgetKey, allocated: Decimal | None) -> None:
        """Set the cap; None deletes the budget."""
        state = self._states.setdefault(key, BudgetState())
        self._note(key, state, state.allocate(allocated, self._now))

    def writes(self) -> list[TableWrite]:
        """The rows of changed budgets and of their journal. Call once, after the last change."""
        new: list[Row] = []
        known: list[Row] = []
        for key, state in self.changed.items():
            state.note_over()
            (known if key in self._stored else new).append(BUDGETS.row(key, state))
        return [
            Insert(BudgetJournalEntry, JOURNAL.columns, self._journal, JOURNAL.row_of),
            Insert(Budget, BUDGETS.columns, new),
            Update(Budget, BUDGETS.columns, known),
        ]

    def _note(self, key: BudgetKey, state: BudgetState, entry: JournalEntry | None) -> None:
        self.changed[key] = state
        if entry is not None:
            self._journal.append((key, entry))
