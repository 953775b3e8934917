"""Decisions in memory: the state is loaded for a batch of orders, updated by each decision and written as rows."""

from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from uuid import UUID

from msgspec.structs import asdict

from app.errors import AuthorizationConflict, InputInvalid, PurserError, StrategyNotFound
from app.event_codec import INSTANT_MAX
from app.ledger.batch import Arrival, OrderKey
from app.ledger.commands import AuthorizeOrder, Verdict
from app.ledger.folding import totals
from app.ledger.folding.orders import OrderChange
from app.ledger.holds.budgets import BudgetBook
from app.ledger.holds.exposure import Market, Side, UnvaluedOrder, reducible_in
from app.ledger.holds.holds import HoldChanges
from app.ledger.recording import own_events
from app.ledger.storage.locks import LockedStrategy
from app.ledger.storage.row_writes import feed_write, order_writes, strategy_write
from app.ledger.storage.writing import TableWrite
from app.rules.authorization import Question, decide
from app.rules.currencies import did_you_mean
from app.rules.enums import AuthorizationStatus, JournalReason, OrderStatus, QuantitySource, TradingState, stricter
from app.rules.events import AnyDecision, AuthorizationDenied, AuthorizationGranted
from app.rules.holds import HoldState, hold_amount, is_amount, unit_price_of
from app.rules.order_lifecycle import apply, open_order
from app.rules.order_state import OrderState
from app.rules.valuation import Valuation, assumed

_ZERO = Decimal(0)
_ONE = Decimal(1)
_REQUESTED = {name: name for name in AuthorizeOrder.__struct_fields__ if name not in ("strategy", "client_order_id")}
_REQUESTED["side"] = "order_side"
REQUEST_FIELDS = tuple(_REQUESTED.values())
"""The fields of a decision's event that come from the request. Two requests are equal if these fields are."""
_read_request = attrgetter(*_REQUESTED)

_RELEASED = (AuthorizationStatus.RELEASED, AuthorizationStatus.OVERRULED)
"""Of a granted order: it was released, even if the engine submitted it later."""

_text_of = lru_cache(maxsize=10_000)(str)
"""Many orders of one request belong to one strategy."""


class Request:
    """An order to authorize, with its strategy's id. `actor` is the principal's name in the audit log.

    `event` is the decision's event, still without instants, currency and the strategy's names. It is created here,
    outside the strategy's lock, to keep the lock short.
    """

    __slots__ = ("command", "event", "key", "market", "side", "strategy_id")

    def __init__(self, strategy_id: UUID, command: AuthorizeOrder, actor: str) -> None:
        self.strategy_id = strategy_id
        self.command = command
        text = _text_of(strategy_id)
        self.key: OrderKey = (text, command.client_order_id)
        self.market: Market = (text, command.instrument_id)
        self.side: Side = (self.market, command.side)
        self.event = AuthorizationGranted(
            trader_id="",
            strategy_id="",
            client_order_id=command.client_order_id,
            event_id=own_events.own_event_id(own_events.AUTHORIZATION, *self.key),
            ts_event=0,
            ts_init=0,
            actor=actor,
            **dict(zip(REQUEST_FIELDS, _read_request(command), strict=True)),
        )
        if command.signal_id is not None:
            self.event.signal_id = str(command.signal_id)

    @property
    def is_priced(self) -> bool:
        """Whether the command has a price that values the order."""
        command = self.command
        return unit_price_of(command.price, command.trigger_price, command.reference_price) is not None


@dataclass(slots=True, eq=False)
class DecisionState:
    """Everything that decisions depend on, updated by each. Strategies are locked. Run under `localcontext(EXACT)`."""

    strategies: dict[str, LockedStrategy]
    states: dict[OrderKey, OrderState]
    waiting: set[OrderKey]
    """Orders with quarantined events that wait for other events."""
    holds: dict[OrderKey, HoldState]
    decided: dict[OrderKey, AnyDecision]
    book: BudgetBook
    valuations: dict[str, Valuation]
    position_qty: dict[Side, Decimal]
    """Open quantities by market and opening side."""
    claims: dict[Side, tuple[Decimal, int]]
    """By side: the open orders' remaining quantity, and the last `ts_init` among them."""
    increasing: dict[OrderKey, Decimal]
    """Exposure that reported orders without a value would add, if they are among the orders to decide."""
    last_prices: dict[Market, Decimal]
    unvalued: dict[str, list[UnvaluedOrder]]
    """By strategy: open orders whose hold cannot be computed."""
    global_state: TradingState
    now: int
    answers: list[Verdict | PurserError] = field(default_factory=list)
    """The answers to the orders decided so far, in order."""
    orders: list[OrderChange] = field(default_factory=list)
    events: list[Arrival] = field(default_factory=list)
    hold_changes: HoldChanges = field(default_factory=HoldChanges)
    denied_late: OrderKey | None = None
    """An order denied after its engine reported it. It is folded at once: other orders' claims change."""

    def decide(self, request: Request) -> None:
        """Append the next answer: a decision, or the earlier one for a repeated request."""
        self.answers.append(self._answer(request))

    def _answer(self, request: Request) -> Verdict | PurserError:
        strategy = self.strategies.get(request.key[0])
        if strategy is None:
            return StrategyNotFound(str(request.command.strategy))
        event = self._event(request, strategy)
        state, decided = self.states.get(request.key), self.decided.get(request.key)
        is_known = state is not None or request.key in self.waiting
        if is_known and (conflict := self._conflict(request, event, state, decided)) is not None:
            return conflict
        if decided is not None:
            return self._verdict(request, decided, is_repeated=True)
        valuation = self.valuations.get(request.command.instrument_id)
        currency = request.command.currency
        if valuation is not None and currency not in (None, valuation.currency):
            return InputInvalid(f"{request.command.instrument_id} settles in {valuation.currency}.", "currency")
        if valuation is None and currency is not None:
            meant = did_you_mean(currency, self.book.currencies(request.key[0]))
            if meant is not None:
                return InputInvalid(f"{strategy.name} has no budget in {currency!r}. Did you mean {meant}?", "currency")
            valuation = assumed(currency)
        return self._decide(request, strategy, event, valuation)

    def _decide(
        self,
        request: Request,
        strategy: LockedStrategy,
        event: AnyDecision,
        valuation: Valuation | None,
    ) -> Verdict:
        command = request.command
        currency = valuation.currency if valuation is not None else None
        reference = command.reference_price
        if reference is None:
            reference = self.last_prices.get(request.market)
        unit_price = unit_price_of(command.price, command.trigger_price, reference)
        if is_amount(command.quote_quantity, valuation):
            unit_price = _ONE
        hold = self.holds.get(request.key) or HoldState(None, None)
        increasing = self._increasing(request)
        required = hold_amount(increasing, unit_price, valuation) if unit_price is not None and valuation else _ZERO
        if hold.is_placed:
            # The engine's event placed the hold; the order's claim on the position was counted then.
            unit_price, required = hold.unit_price, hold.remaining
            increasing = command.quantity if required else _ZERO
        event.budget_currency = currency
        budget_key = (request.key[0], currency or "")
        denial = decide(
            Question(
                strategy_name=strategy.name,
                trading_state=strategy.state,
                instrument_id=command.instrument_id,
                quantity=command.quantity,
                increasing_qty=increasing,
                unit_price=unit_price,
                required=required,
                currency=currency,
                budget=self.book.find(budget_key),
                hold_amount=hold.remaining,
                unvalued=self._unvalued(request, currency),
                global_state=self.global_state,
            )
        )
        if denial is not None:
            event = AuthorizationDenied(**asdict(event), code=denial.code, reason=denial.reason)
            if request.key in self.states:
                self.denied_late = request.key
        else:
            hold.unit_price = unit_price
            if hold.reference_price is None:
                hold.reference_price = reference
            self._claim(request)
        self._record(request, event)
        self._hold(request.key, hold, currency, _ZERO if denial is not None else required)
        return self._verdict(request, event)

    def _hold(self, key: OrderKey, hold: HoldState, currency: str | None, remaining: Decimal) -> None:
        """Place the hold of a granted order, or void the hold that a denied order already has."""
        is_new, before = key not in self.holds, hold.remaining
        is_granted = isinstance(self.decided[key], AuthorizationGranted)
        if is_new and not is_granted:
            return
        if currency is not None:
            hold.currency = currency
        if hold.is_unvalued:
            hold.is_unvalued = False
            others = [order for order in self.unvalued.get(key[0], ()) if order.client_order_id != key[1]]
            self.unvalued[key[0]] = others
        hold.voided = _ZERO if is_granted else hold.voided + hold.remaining
        hold.remaining = remaining
        if is_new:
            self.hold_changes.new[key] = self.holds[key] = hold
        else:
            self.hold_changes.moved[key] = hold
        if hold.currency is not None:
            reason = JournalReason.AUTHORIZED if is_granted else JournalReason.VOIDED
            self.book.reserve((key[0], hold.currency), reason, key[1], orders=remaining - before)

    def _unvalued(self, request: Request, currency: str | None) -> str | None:
        """Why another open order, whose hold is unknown, blocks this currency's budget; None if no order does."""
        for order in self.unvalued.get(request.key[0], ()):
            if order.client_order_id == request.command.client_order_id:
                continue
            if None not in (order.currency, currency) and order.currency != currency:
                continue
            open_order = f"the hold of open order {order.client_order_id} is unknown"
            if order.quantity_source is QuantitySource.UNKNOWN:
                return f"{open_order}because of its quantity: record its OrderInitialized or its end"
            if order.currency is None:
                return f"{open_order}: record instrument {order.instrument_id}, or end the order"
            return f"{open_order}: {order.instrument_id} has no last price; end the order, or record a fill"
        return None

    def _increasing(self, request: Request) -> Decimal:
        """The quantity that exceeds the reducible position, after the claims of earlier orders."""
        command = request.command
        if command.reduce_only:
            return _ZERO
        if is_amount(command.quote_quantity, self.valuations.get(command.instrument_id)):
            return command.quantity
        if (known := self.increasing.get(request.key)) is not None:
            return known
        if not (position := self._reducible(request.side)):
            return command.quantity
        claimed = self.claims.get(request.side, (_ZERO, 0))[0]
        return command.quantity - min(command.quantity, max(position - claimed, _ZERO))

    def _claim(self, request: Request) -> None:
        """Add the order to the claims on the position that it would reduce."""
        if not self._reducible(request.side) or request.key in self.states:
            return
        if not is_amount(request.command.quote_quantity, self.valuations.get(request.command.instrument_id)):
            claimed, last = self.claims.get(request.side, (_ZERO, 0))
            self.claims[request.side] = claimed + request.command.quantity, last

    def _reducible(self, side: Side) -> Decimal:
        return reducible_in(self.position_qty, side) if self.position_qty else _ZERO

    def _conflict(
        self,
        request: Request,
        event: AnyDecision,
        state: OrderState | None,
        decided: AnyDecision | None,
    ) -> PurserError | None:
        name = repr(request.command.client_order_id)
        if decided is not None:
            different = [part for part in REQUEST_FIELDS if getattr(decided, part) != getattr(event, part)]
            if different:
                words = ", ".join(part.replace("_", " ") for part in different)
                return AuthorizationConflict(
                    f"Order {name} was requested before with a different {words}. Use a new id."
                )
            if (
                state is not None
                and not isinstance(decided, AuthorizationDenied)
                and state.authorization_status in _RELEASED
            ):
                return AuthorizationConflict(f"Order {name} was released. Request authorization under a new id.")
            return None
        if request.key in self.waiting:
            return AuthorizationConflict(f"The engine has already reported order {name}.")
        if state is None:
            return None
        if state.status is not OrderStatus.INITIALIZED:
            return AuthorizationConflict(f"Order {name} is {state.status} already.")
        reported = (state.instrument_id, state.side, state.order_type, state.reduce_only, state.is_quote_quantity)
        amounts = (state.quantity, state.price, state.trigger_price)
        requested = (event.instrument_id, event.order_side, event.order_type, event.reduce_only, event.quote_quantity)
        if reported != requested or amounts != (event.quantity, event.price, event.trigger_price):
            return AuthorizationConflict(f"The engine reported order {name} with different values.")
        return None

    def _record(self, request: Request, event: AnyDecision) -> None:
        key, state = request.key, self.states.get(request.key)
        before = copy(state) if state is not None else None
        if state is None:
            state = self.states[key] = open_order(event)
        else:
            apply(state, event)
        self.decided[key] = event
        self.orders.append(OrderChange(key, state, 0, before))
        self.events.append(own_events.numbered(key[0], self.strategies[key[0]], event))

    def _verdict(self, request: Request, event: AnyDecision, *, is_repeated: bool = False) -> Verdict:
        state = stricter(self.strategies[request.key[0]].state, self.global_state)
        known = request.strategy_id, request.command.client_order_id, event.budget_currency, event.ts_event, state
        if isinstance(event, AuthorizationDenied):
            return Verdict(*known, is_repeated, event.code, event.reason)
        return Verdict(*known, is_repeated)

    def _event(self, request: Request, strategy: LockedStrategy) -> AnyDecision:
        """The request's event with instants and the strategy's names."""
        # Orders claim parts of a position by `ts_init`. A new order comes after all open ones, even if their engine's
        # clock is ahead of Purser's.
        last_claim = self.claims.get(request.side, (_ZERO, 0))[1]
        event = request.event
        event.trader_id, event.strategy_id = strategy.trader_id, strategy.name
        event.ts_event = event.ts_init = min(max(self.now, last_claim + 1) + len(self.orders), INSTANT_MAX)
        return event

    def writes(self) -> list[TableWrite]:
        """The rows of all decisions, without those of their events."""
        return [
            *order_writes(self.orders),
            feed_write(orders=[change.key for change in self.orders], budgets=self.book.changed),
            *self.hold_changes.writes(),
            *self.book.writes(),
            strategy_write(self.strategies),
            totals.order_counts(self.orders),
        ]
