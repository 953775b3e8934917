"""A budget caps what a strategy reserves in one currency. Run under `localcontext(EXACT)`."""

from decimal import Decimal

from msgspec import Struct

from app.rules.enums import BudgetOverReason, JournalReason
from app.rules.money import trimmed

_ZERO = Decimal(0)


class JournalEntry(Struct, frozen=True):
    """One change of a budget: the allocated and the reserved amount before and after."""

    version: int
    ts: int
    reason: JournalReason
    client_order_id: str | None
    allocated_before: Decimal
    allocated_after: Decimal
    reserved_before: Decimal
    reserved_after: Decimal


class BudgetState(Struct):
    """The amounts that a strategy reserves in one currency. `allocated` is None without a budget.

    `version` is 0 until the first budget is set. From then on every change has a journal entry.
    """

    allocated: Decimal | None = None
    reserved_orders: Decimal = _ZERO
    reserved_positions: Decimal = _ZERO
    over_reason: BudgetOverReason | None = None
    version: int = 0
    created_at: int | None = None
    updated_at: int = 0
    cause: BudgetOverReason = BudgetOverReason.FILL
    """The kind of the last change."""

    @property
    def reserved(self) -> Decimal:
        """The amount that open orders and open positions reserve."""
        return self.reserved_orders + self.reserved_positions

    @property
    def available(self) -> Decimal:
        """The unreserved amount: negative over the cap. Without a budget the cap counts as 0."""
        return (self.allocated or _ZERO) - self.reserved

    def reserve(
        self, orders: Decimal, positions: Decimal, reason: JournalReason, client_order_id: str | None, now: int
    ) -> JournalEntry | None:
        """Adds to the reserved amounts; negative amounts release. Returns a journal entry if one must be written."""
        before = self.reserved
        self.reserved_orders += orders
        if positions:
            self.reserved_positions = trimmed(self.reserved_positions + positions)
        self.cause = BudgetOverReason.FILL
        self.updated_at = now
        if not self.version or self.reserved == before:
            return None
        allocated = self.allocated or _ZERO
        return self._entry(reason, client_order_id, now, allocated, before)

    def allocate(self, allocated: Decimal | None, now: int) -> JournalEntry:
        """Sets the cap, or deletes the budget (None). The reserved amounts stay."""
        before = self.allocated or _ZERO
        reason = JournalReason.DELETED if allocated is None else JournalReason.SET
        if allocated is None:
            self.created_at = None
        elif self.allocated is None:
            self.created_at = now
        self.allocated = allocated
        self.cause = BudgetOverReason.CUT
        self.updated_at = now
        return self._entry(reason, None, now, before, self.reserved)

    def note_over(self) -> None:
        """Updates `over_reason` after a complete change. The first reason stands until the cap is kept again."""
        if self.allocated is None or self.available >= 0:
            self.over_reason = None
        elif self.over_reason is None:
            self.over_reason = self.cause

    def _entry(
        self, reason: JournalReason, client_order_id: str | None, now: int, allocated: Decimal, reserved: Decimal
    ) -> JournalEntry:
        self.version += 1
        after = self.allocated or _ZERO
        return JournalEntry(self.version, now, reason, client_order_id, allocated, after, reserved, self.reserved)
