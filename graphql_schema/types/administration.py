"""Budgets and holds, the audit log, and the state of all trading."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from app.rules.enums import BudgetOverReason, TradingState, Valuation
from graphql_schema.types.fields import PAGE, described, object_type, read_field
from graphql_schema.types.relay import Connection, Node
from graphql_schema.types.scalars import Amount, Document, Instant

if TYPE_CHECKING:
    from graphql_schema.types.trading import Strategy


@object_type
class Hold:
    """The capital held for one order: placed by the authorization, captured by fills, voided when the order ends."""

    amount: Amount = described("`remaining + captured + voided`, at the order's latest price.")
    remaining: Amount = described("The capital held now; 0 once the order has ended.")
    captured: Amount = described(
        "The exposure that the order's fills added, at the order's latest price rather than the fill prices."
    )
    voided: Amount = described("The capital that was freed when the order ended.")
    currency: str = described("The currency of the amounts, and of the budget that they count against.")
    unit_price: Amount = described(
        "The price that values one unit; 1 if the quantity is an amount, 0 if no price was needed."
    )


@object_type
class Budget(Node):
    """The capital that a strategy may reserve in one currency, and its use."""

    strategy: Annotated["Strategy", strawberry.lazy("graphql_schema.types.trading")] = described("The strategy.")
    strategy_id: UUID = described("The strategy's id.")
    currency: str = described("The currency of all amounts of the budget.")
    allocated: Amount = described("The cap: the capital that may be reserved; 0 once the budget is deleted.")
    reserved: Amount = described("The capital in use: `reservedOrders + reservedPositions`.")
    reserved_orders: Amount = described("The sum of what open orders hold.")
    reserved_positions: Amount = described(
        "The cost of open positions: their notional value at the average open price."
    )
    available: Amount = described("`allocated - reserved`; negative while the budget is exceeded.")
    realized_pnl: Amount = described("The PnL realized in this currency, gross of commissions.")
    total_fees: Amount = described("The commissions paid in this currency.")
    net_pnl: Amount = described("`realizedPnl - totalFees`.")
    over_reason: BudgetOverReason | None = described("Why `reserved` exceeds `allocated`; null if it does not.")
    valuation: Valuation = described(
        "`RECORDED` if the terms of every instrument behind the budget's fills, positions and holds are "
        "recorded, else `ASSUMED`."
    )
    unvalued_orders: int = described(
        "The number of open orders whose need for capital is unknown. While it is above zero, only "
        "orders that reduce a position are granted."
    )
    version: int = described("The number of changes; `journal` lists each.")
    updated_at: Instant = described("When it last changed.")

    journal: Connection["BudgetJournalEntry"] = read_field("Every change of the budget, newest first.", **PAGE)


@object_type
class BudgetJournalEntry:
    """One change of a budget. Entries are immutable."""

    version: int = described("The number of the change: 1, 2, 3 ... without a gap.")
    ts: Instant = described("When the change was made.")
    reason: str = described(
        "The cause: `SET` or `DELETED` by an administrator; an order was `AUTHORIZED`, `HELD` without an "
        "authorization, `REPRICED`, `FILLED`, `VOIDED` or `RELEASED`; or amounts were `REVALUED` because "
        "of other orders or a recorded instrument."
    )
    client_order_id: str | None = described(
        "The order concerned; null for `SET`, `DELETED` and where only positions were `REVALUED`."
    )
    allocated_before: Amount = described("`allocated` before the change.")
    allocated_after: Amount = described("`allocated` after the change; 0 if the budget was deleted.")
    reserved_before: Amount = described("`reserved` before the change.")
    reserved_after: Amount = described("`reserved` after the change.")


@object_type
class GlobalTradingState:
    """The trading state that applies to all strategies. The stricter of it and a strategy's own state decides."""

    state: TradingState = described("The most that any strategy may do.")
    since: Instant | None = described("When the state was set; null if it was never set.")
    actor: str | None = described("The API key that set the state, or `local`; null if it was never set.")


@object_type
class AuditEntry(Node):
    """One audited change: actor, action, and the entity before and after."""

    ts: Instant = described("When the change was made.")
    actor: str = described("The API key that made the change, or `local`.")
    action: str = described("The kind of change.")
    entity_type: str = described("The kind of entity that was changed.")
    entity_id: str = described("The id of the entity that was changed.")
    strategy_id: UUID | None = described("The strategy concerned; null if the change concerns none.")
    before: Document | None = described("The entity before the change; null if it did not exist.")
    after: Document | None = described("The entity after the change; null if it no longer exists.")
    request_id: str | None = described("The id of the request that made the change.")
    hash: str = described(
        "SHA-256 over this entry and the hash of the entry before it: a changed or removed entry breaks the chain."
    )
