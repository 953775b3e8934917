"""Budgets of strategies whose rows are locked: read once, changed in memory, journaled, written once."""

from collections.abc import Collection, Iterable
from copy import copy
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from app.database import WriteConnection
from app.ledger.storage.query_batch import Query, ask
from app.ledger.storage.row_mapping import Row
from app.ledger.storage.rows import BUDGETS, JOURNAL
from app.ledger.storage.writing import Insert, Part, Update, write
from app.models import Budget, BudgetJournalEntry
from app.rules.budgets import BudgetState, JournalEntry
from app.rules.enums import JournalReason

BudgetKey = tuple[str, str]
"""(strategy_id, currency)"""

# `b` is the whole row as one value, which becomes a BudgetState by its fields' names.
_LOAD = "SELECT strategy_id, currency, b AS state FROM budgets b WHERE strategy_id = ANY($1::uuid[])"


class _BudgetRow(Struct):
    strategy_id: str
    currency: str
    state: BudgetState


_ROWS = Decoder(list[_BudgetRow])


class BudgetBook:
    """What some strategies tie up, in all currencies. Their rows in `strategies` must be locked by the transaction."""

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
            return cls({(row.strategy_id, row.currency): row.state for row in rows}, now)

        return Query(_LOAD, [list(strategy_ids)], _ROWS, read)

    @classmethod
    async def load(cls, work: WriteConnection, strategy_ids: Iterable[str], now: int) -> "BudgetBook":
        """The same, asked at once."""
        (book,) = await ask(work, cls.of(strategy_ids, now))
        return book  # type: ignore[no-any-return]

    def successor(self, now: int) -> "BudgetBook":
        """The book of who comes after everything in this one is written."""
        return BudgetBook({key: copy(state) for key, state in self._states.items()}, now)

    def is_as(self, other: "BudgetBook", strategy_ids: Collection[str]) -> bool:
        """Whether the budgets of these strategies, which are all in this book, are the same in the other."""
        return self._states == {key: state for key, state in other._states.items() if key[0] in strategy_ids}

    def find(self, key: BudgetKey) -> BudgetState | None:
        """The budget, where one is set."""
        state = self._states.get(key)
        return state if state is not None and state.allocated is not None else None

    def currencies(self, strategy_id: str) -> list[str]:
        """In which the strategy has a budget."""
        return [key[1] for key in self._states if key[0] == strategy_id and self.find(key) is not None]

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
        """What is to be written at the end of the act."""
        return [*self.budget_parts(), self.journal_part()]

    def budget_parts(self) -> list[Part]:
        """What changed: once, at the end of the act."""
        new: list[Row] = []
        known: list[Row] = []
        for key, state in self._changed.items():
            state.note_over()
            (known if key in self._stored else new).append(BUDGETS.row(key, state))
        return [Update(Budget, BUDGETS.columns, known), Insert(Budget, BUDGETS.columns, new)]

    def journal_part(self) -> Part:
        """The journal's entries since the last time."""
        entries, self._journal = self._journal, []
        return Insert(BudgetJournalEntry, JOURNAL.columns, [JOURNAL.row(key, entry) for key, entry in entries])

    async def write(self, work: WriteConnection) -> list[BudgetKey]:
        """Write it. Answers which budgets changed."""
        await write(work, self.parts())
        return self.changed

    def _note(self, key: BudgetKey, state: BudgetState, entry: JournalEntry | None) -> None:
        self._changed[key] = state
        if entry is not None:
            self._journal.append((key, entry))
