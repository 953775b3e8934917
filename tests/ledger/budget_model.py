"""A simple model of the budget rules: one strategy, one instrument, everything computed from scratch."""

from dataclasses import dataclass, field
from decimal import Decimal

from app.rules.money import quotient

ENDED = {"DENIED", "RELEASED", "CANCELED", "FILLED"}


@dataclass
class ModelOrder:
    """An order: its terms and its filled quantity."""

    turn: int
    side: str
    quantity: Decimal
    price: Decimal
    reduce_only: bool
    status: str = "INITIALIZED"
    filled: Decimal = Decimal(0)

    @property
    def leaves(self) -> Decimal:
        return Decimal(0) if self.status in ENDED else max(self.quantity - self.filled, Decimal(0))


@dataclass
class BudgetModel:
    """The expected state after each operation."""

    allocated: Decimal | None = None
    over_reason: str | None = None
    state: str = "ACTIVE"
    global_state: str = "ACTIVE"
    orders: dict[str, ModelOrder] = field(default_factory=dict)
    answers: dict[str, str | None] = field(default_factory=dict)
    position: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    @property
    def reserved_orders(self) -> Decimal:
        return sum((self.hold_of(name) for name in self.orders), Decimal(0))

    @property
    def reserved(self) -> Decimal:
        return self.reserved_orders + self.cost

    def hold_of(self, name: str) -> Decimal:
        """Orders on the reducing side claim parts of the position, the earliest first."""
        order = self.orders[name]
        rest = self._reducible(order.side)
        for other in sorted((o for o in self.orders.values() if o.side == order.side), key=lambda o: o.turn):
            claimed = min(other.leaves, rest)
            rest -= claimed
            if other is order:
                return Decimal(0) if order.reduce_only else (order.leaves - claimed) * order.price
        raise AssertionError

    def authorize(self, name: str, order: ModelOrder) -> str | None:
        """The deny code, or None if granted. Only for order ids that were not used before."""
        self.orders[name] = order
        required = self.hold_of(name)
        available = (self.allocated or Decimal(0)) - (self.reserved - required)
        code = None
        if "HALTED" in (self.state, self.global_state):
            code = "TRADING_HALTED"
        elif "REDUCING" in (self.state, self.global_state) and required:
            code = "TRADING_REDUCING"
        elif self.allocated is None:
            code = "NO_BUDGET"
        elif required and available < required:
            code = "BUDGET_OVER" if available < 0 else "BUDGET_EXCEEDED"
        if code is not None:
            order.status = "DENIED"
        self.answers[name] = code
        self._note("FILL")
        return code

    def report(self, name: str, order: ModelOrder) -> None:
        """The engine reports an order without authorization."""
        order.status = "SUBMITTED"
        self.orders[name] = order
        self._note("FILL")

    def submit(self, name: str) -> None:
        """The engine submits the order, whether or not it was granted."""
        self.orders[name].status = "SUBMITTED"
        self._note("FILL")

    def fill(self, name: str, quantity: Decimal, price: Decimal) -> None:
        order = self.orders[name]
        order.filled += quantity
        if order.filled >= order.quantity:
            order.status = "FILLED"
        signed = quantity if order.side == "BUY" else -quantity
        open_quantity = abs(self.position)
        if not open_quantity or (self.position > 0) == (signed > 0):
            self.cost += quantity * price
        elif quantity < open_quantity:
            self.cost -= quotient(self.cost * quantity, open_quantity)
        else:
            self.cost = (quantity - open_quantity) * price
        self.position += signed
        self._note("FILL")

    def cancel(self, name: str) -> None:
        self._end(name, "CANCELED")

    def release(self, name: str) -> None:
        self._end(name, "RELEASED")

    def _end(self, name: str, status: str) -> None:
        self.orders[name].status = status
        self._note("FILL")

    def update(self, name: str, quantity: Decimal, price: Decimal) -> None:
        order = self.orders[name]
        order.quantity, order.price = quantity, price
        if order.filled >= quantity:
            order.status = "FILLED"
        self._note("FILL")

    def allocate(self, allocated: Decimal | None) -> None:
        self.allocated = allocated
        self._note("CUT")

    def _reducible(self, side: str) -> Decimal:
        return max(-self.position if side == "BUY" else self.position, Decimal(0))

    def _note(self, reason: str) -> None:
        if self.allocated is None or self.reserved <= self.allocated:
            self.over_reason = None
        elif self.over_reason is None:
            self.over_reason = reason
