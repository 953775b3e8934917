"""Folding an order from its stored events, ours among them: what it is, what is applied, and what is left over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.ledger.batch import OrderKey, Quarantine
from app.rules.enums import QuarantineAction, QuarantineCode
from app.rules.events import OrderFilled, OrderHistoryEvent, QuarantineResolved
from app.rules.order_fold import Numbered, Spawned, fold, is_reconciled
from app.rules.order_state import RANK_CONCLUDED, OrderState

TradeKey: TypeAlias = tuple[str, str, str]
"""(trade_id, instrument_id, account_id), within one order."""
Stored: TypeAlias = tuple[int, OrderHistoryEvent | QuarantineResolved]
"""An event of the order's history with its number."""


@dataclass(slots=True, frozen=True)
class FoldedOrder:
    """An order folded from its events. `state` is None where they do not make one."""

    state: OrderState | None
    applied: list[Numbered]
    left: list[tuple[int, Quarantine]]
    repeated: frozenset[str] = frozenset()
    """Ids of applied fills whose trade another one has, too: an admin accepted them."""
    may_spawn: bool = False
    """Whether orders that were spawned from it change its quantity."""

    @property
    def waiting(self) -> int:
        """How many events are left over that may be applied yet."""
        return sum(item.code is not QuarantineCode.DISMISSED for _, item in self.left)


def fold_order(
    key: OrderKey, events: Sequence[Stored], spawned: Iterable[Spawned] = (), *, is_known: bool = False
) -> FoldedOrder:
    """Fold (seq, event) pairs of one order, sorted by seq. `is_known`: other events made the order, left out here."""
    resolutions = [(seq, event) for seq, event in events if isinstance(event, QuarantineResolved) and not event.variant]
    history: list[Numbered] = [(seq, event) for seq, event in events if not isinstance(event, QuarantineResolved)]
    if not resolutions:
        return _fold(key, history, spawned, frozenset(), is_known=is_known)
    accepted = {each.resolves: seq for seq, each in resolutions if _accepts(each)}
    dismissals = {each.resolves: each for _, each in resolutions if not _accepts(each)}
    dismissed = dismissals.keys() - accepted.keys()
    kept = [(seq, event) for seq, event in history if event.event_id not in dismissed]
    # One that was dismissed first comes at its acceptance: another report of its trade may count by then.
    late = {event_id: accepted[event_id] for event_id in dismissals.keys() & accepted.keys()}
    kept.sort(key=lambda pair: late.get(pair[1].event_id, pair[0]))
    # An event that made the order known did so, whatever was decided about it later.
    is_known = is_known or any(is_reconciled(event) for _, event in history if event.event_id in dismissed)
    folded = _fold(key, kept, spawned, frozenset(accepted), is_known=is_known)
    for seq, event in history:
        if event.event_id in dismissed:
            reason = dismissal_reason(dismissals[event.event_id])
            folded.left.append((seq, _quarantine(key, event, QuarantineCode.DISMISSED, reason)))
    return folded


def dismissal_reason(resolution: QuarantineResolved) -> str:
    """The reason stored with a dismissed event."""
    return f"{resolution.actor}: {resolution.reason}"


def trade_of(event: OrderFilled) -> TradeKey:
    """The identity of a fill's trade within its order."""
    return event.trade_id, event.instrument_id, event.account_id or ""


def _accepts(resolution: QuarantineResolved) -> bool:
    return resolution.action is QuarantineAction.ACCEPT


def _fold(
    key: OrderKey, history: list[Numbered], spawned: Iterable[Spawned], accepted: frozenset[str], *, is_known: bool
) -> FoldedOrder:
    unique, repeated, again_accepted = _split_repeated_trades(history, accepted)
    folded = fold(unique, spawned, forced=accepted, is_known=is_known)
    state = folded.state
    if state is None:
        # Which of two reports of a trade counts is decided once the order is known.
        reason = "no OrderInitialized for this order yet"
        unknown = [(seq, _quarantine(key, event, QuarantineCode.ORDER_UNKNOWN, reason)) for seq, event in history]
        return FoldedOrder(None, [], unknown)
    if accepted:
        state.last_rank = RANK_CONCLUDED
    illegal, again = QuarantineCode.ILLEGAL_TRANSITION, QuarantineCode.REPEATED_TRADE
    left = [(seq, _quarantine(key, event, illegal, reason)) for seq, event, reason in folded.refused]
    left += [(seq, _quarantine(key, event, again, reason)) for seq, event, reason in repeated]
    return FoldedOrder(state, folded.applied, left, again_accepted, folded.may_spawn)


def _split_repeated_trades(
    events: Iterable[Numbered], accepted: frozenset[str]
) -> tuple[list[Numbered], list[tuple[int, OrderHistoryEvent, str]], frozenset[str]]:
    """Keep the first fill of each trade; set another report of it aside, unless it was accepted. Returns those last."""
    first: dict[TradeKey, OrderFilled] = {}
    counted: set[str] = set()
    unique: list[Numbered] = []
    repeated: list[tuple[int, OrderHistoryEvent, str]] = []
    for seq, event in events:
        if isinstance(event, OrderFilled):
            recorded = first.setdefault(trade_of(event), event)
            if recorded.event_id != event.event_id:
                if event.event_id not in accepted:
                    repeated.append((seq, event, _repeated_reason(recorded, event)))
                    continue
                counted.add(event.event_id)
        unique.append((seq, event))
    return unique, repeated, frozenset(counted)


def _repeated_reason(recorded: OrderFilled, event: OrderFilled) -> str:
    reason = f"trade {event.trade_id} was recorded before, by event {recorded.event_id}"
    names = ("order_side", "last_qty", "last_px")
    others = [name for name in names if getattr(recorded, name) != getattr(event, name)]
    return f"{reason}, with another {' and '.join(others)}" if others else reason


def _quarantine(key: OrderKey, event: OrderHistoryEvent, code: QuarantineCode, reason: str) -> Quarantine:
    return Quarantine(key[0], event.event_id, 0, key[1], event.ts_event, code, reason)
