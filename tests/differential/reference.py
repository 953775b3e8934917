"""The schema over Python objects in plain graphql-core: no SQL, and no code of Purser's read side."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, build_schema, is_introspection_type

from app.models.administration import AuditEntry, Budget, BudgetJournalEntry, Strategy
from app.models.instruments import Discrepancy, Instrument, Signal
from app.models.orders import Fill, Hold, Order, OrderEvent, Position, QuarantinedEvent, QuarantineResolution
from app.rules.identity import NO_STRATEGY
from tests.differential.aggregates import summary_of_fills
from tests.differential.conditions import COLUMNS, NANOSECONDS, effective_state, parse_instant, satisfies, snake
from tests.differential.equity import PerformanceArguments, performance
from tests.differential.rows import GLOBAL_STATE, Rows
from tests.differential.valuations import Valuations

SDL = Path(__file__).parents[2] / "graphql_schema" / "schema.graphql"

SORTS = {
    Strategy: ("created_at", ("strategy_id",)),
    Order: ("ts_init", ("client_order_id", "strategy_id")),
    Fill: ("ts_event", ("event_id", "strategy_id")),
    Position: ("ts_opened", ("position_id", "n", "strategy_id")),
    Signal: ("ts_event", ("signal_id", "strategy_id")),
    OrderEvent: ("ts_event", ("ts_init", "seq", "event_id", "variant", "strategy_id")),
    QuarantinedEvent: ("ts_event", ("event_id", "variant", "strategy_id")),
    AuditEntry: ("ts", ("id",)),
    BudgetJournalEntry: ("version", ("strategy_id", "currency")),
    Discrepancy: ("ts_event", ("event_id", "kind", "strategy_id")),
    Instrument: ("instrument_id", ()),
}
ASCENDING = (Instrument,)
KEYS = {
    Strategy: ("strategy_id",),
    Order: ("strategy_id", "client_order_id"),
    Fill: ("strategy_id", "event_id"),
    Position: ("strategy_id", "n", "position_id"),
    Signal: ("strategy_id", "signal_id"),
    OrderEvent: ("strategy_id", "event_id", "variant"),
    QuarantinedEvent: ("strategy_id", "event_id", "variant"),
    AuditEntry: ("id",),
    Budget: ("strategy_id", "currency"),
    Instrument: ("instrument_id",),
}
INSTANTS = ("ts", "created_at", "updated_at")


def instant(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def plain(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@dataclass(frozen=True)
class Order_:
    """A total order: columns, each with whether it is descending."""

    entity: type[Any]
    columns: tuple[tuple[str, bool], ...]

    @classmethod
    def of(cls, entity: type[Any], by: Iterable[Mapping[str, str]] | None) -> "Order_":
        default, ties = SORTS[entity]
        arguments = [(key["field"].lower(), key.get("direction", "DESC") == "DESC") for key in by or ()] or [
            (default, entity not in ASCENDING)
        ]
        columns = dict(reversed(arguments))
        named = {name: columns[name] for name, _ in arguments}
        return cls(entity, (*named.items(), *((tie, arguments[0][1]) for tie in ties if tie not in named)))

    def sort(self, rows: Iterable[Any]) -> list[Any]:
        ordered = list(rows)
        for name, is_descending in reversed(self.columns):
            ordered.sort(key=lambda row: getattr(row, name), reverse=is_descending)
        return ordered

    def cursor(self, row: Any) -> str:
        signature = ",".join(f"{'-' if descending else '+'}{name}" for name, descending in self.columns)
        place = [plain(getattr(row, name)) for name, _ in self.columns]
        text = json.dumps([f"{self.entity.__name__} {signature}", *place], ensure_ascii=False)
        return b64encode(text.encode()).decode()


def node_id(row: Any) -> str:
    entity = type(row)
    name = "OrderEvent" if entity is QuarantinedEvent else entity.__name__
    return b64encode(":".join([name, *(str(getattr(row, key)) for key in KEYS[entity])]).encode()).decode()


_NEIGHBOURS: dict[str, Any] = {
    **{"fills": Fill, "orders": Order, "positions": Position, "signals": Signal, "events": OrderEvent},
    "journal": BudgetJournalEntry,
}


class Reference(Valuations):
    """A schema whose resolvers read these rows."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.names = {row.strategy_id: row.name for row in rows[Strategy]}
        self._quarantined = {self._key(row): row for row in rows[QuarantinedEvent]}
        self._events = {self._key(row): row for row in rows[OrderEvent]}

    @cached_property
    def schema(self) -> GraphQLSchema:
        schema = build_schema(SDL.read_text())
        for type_ in schema.type_map.values():
            # The types of introspection belong to graphql-core, and every schema of the process shares
            # them.
            if isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_):
                for name, field in type_.fields.items():
                    field.resolve = getattr(self, f"_{type_.name.lower()}_{snake(name)}", self._field)
        schema.type_map["Node"].resolve_type = lambda row, *_: type(row).__name__  # type: ignore[attr-defined]
        return schema

    def _field(self, row: Any, info: GraphQLResolveInfo, **given: Any) -> Any:
        name = info.field_name
        if isinstance(row, dict):
            return row[name]
        if name == "id":
            return node_id(row)
        if name == "strategy":
            return next((one for one in self.rows[Strategy] if one.strategy_id == row.strategy_id), None)
        if name == "instrument":
            return self._instrument(row)
        if name in ("fills", "orders", "positions", "signals", "events", "journal"):
            return self._linked_rows(row, name, given)
        column = COLUMNS.get(name, snake(name)) if isinstance(row, Order) else snake(name)
        value = getattr(row, column)
        if value is None or isinstance(value, bool):
            return value
        if column.startswith("ts_") or column in INSTANTS:
            return instant(value)
        return plain(value) if isinstance(value, Decimal | UUID) else value

    def _linked_rows(self, row: Any, name: str, given: Mapping[str, Any]) -> Any:
        entity: type[Any] = _NEIGHBOURS[name]
        return self._list(entity, [one for one in self.rows[entity] if self._is_linked(one, row)], given)

    def _is_linked(self, one: Any, row: Any) -> bool:
        if isinstance(row, Signal):
            return one.signal_id == row.signal_id and row.strategy_id in (one.strategy_id, NO_STRATEGY)
        if one.strategy_id != row.strategy_id:
            return False
        if isinstance(row, Budget):
            return bool(one.currency == row.currency)
        if isinstance(row, Order):
            return bool(one.client_order_id == row.client_order_id)
        if isinstance(row, Position):
            is_own = one.position_n == row.n or (one.flip_qty > 0 and one.position_n == row.n - 1)
            return bool(one.position_id == row.position_id and is_own)
        return True

    def _list(self, entity: type[Any], rows: list[Any], given: Mapping[str, Any]) -> dict[str, Any]:
        order = Order_.of(entity, given.get("orderBy"))
        listed = order.sort(row for row in rows if satisfies(row, given.get("filter"), self.names))
        # A cursor is a position among all rows, whether or not the list contains its row.
        everywhere = order.sort(self.rows[entity])
        place = {order.cursor(row): index for index, row in enumerate(everywhere)}
        at = [place[order.cursor(row)] for row in listed]
        after, before = given.get("after"), given.get("before")
        low = -1 if after is None else place[after]
        high = len(everywhere) if before is None else place[before]
        window = [row for row, index in zip(listed, at, strict=True) if low < index < high]
        size = next((given[name] for name in ("first", "last") if given.get(name) is not None), 100)
        is_backward = given.get("last") is not None
        page = window[max(len(window) - size, 0) :] if is_backward else window[:size]
        has_more = len(window) > size
        edges = [{"node": row, "cursor": order.cursor(row)} for row in page]
        return {
            "edges": edges,
            "nodes": page,
            "totalCount": len(listed),
            "pageInfo": {
                "hasNextPage": (has_more and not is_backward) or any(index >= high for index in at),
                "hasPreviousPage": (has_more and is_backward) or any(index <= low for index in at),
                "startCursor": edges[0]["cursor"] if edges else None,
                "endCursor": edges[-1]["cursor"] if edges else None,
            },
        }

    @staticmethod
    def _key(row: Any) -> tuple[Any, ...]:
        return row.strategy_id, row.event_id, row.variant

    # Fields that are more than a column, by the names of type and field.

    def _order_leaves_qty(self, row: Order, _: Any) -> str:
        left = row.quantity - (abs(row.filled_notional) if row.is_quote_quantity else row.filled_qty)
        return plain(left) if left >= 0 else "0"

    def _order_overfill_qty(self, row: Order, _: Any) -> str:
        return plain(row.filled_qty - row.quantity) if row.overfilled else "0"

    def _order_deny_reason(self, row: Order, _: Any) -> str | None:
        return row.deny_reason if row.status in ("DENIED", "REJECTED") else None

    def _order_signal(self, row: Order, _: Any) -> Signal | None:
        found = [one for one in self.rows[Signal] if self._is_linked(row, one)] if row.signal_id else []
        return next(iter(Order_.of(Signal, None).sort(found)), None)

    def _fill_order(self, row: Fill, _: Any) -> Order:
        return next(one for one in self.rows[Order] if self._is_linked(row, one))

    def _position_quantity(self, row: Position, _: Any) -> str:
        return plain(abs(row.signed_qty))

    def _orderevent_applied(self, row: Any, _: Any) -> bool:
        return self._key(row) not in self._quarantined

    def _orderevent_quarantine_reason(self, row: Any, _: Any) -> str | None:
        found = self._quarantined.get(self._key(row))
        return f"{found.code}: {found.reason}" if found else None

    def _orderevent_quarantine_code(self, row: Any, _: Any) -> str | None:
        found = self._quarantined.get(self._key(row))
        return found and found.code

    def _resolution(self, row: Any) -> Any:
        return next((one for one in self.rows[QuarantineResolution] if self._key(one) == self._key(row)), None)

    def _orderevent_resolution(self, row: Any, _: Any) -> str | None:
        found = self._resolution(row)
        return found and found.action

    def _orderevent_resolution_reason(self, row: Any, _: Any) -> str | None:
        found = self._resolution(row)
        return found and found.reason

    def _orderevent_resolved_by(self, row: Any, _: Any) -> str | None:
        found = self._resolution(row)
        return found and found.actor

    def _orderevent_resolved_at(self, row: Any, _: Any) -> str | None:
        found = self._resolution(row)
        return found and instant(found.ts)

    def _orderevent_type(self, row: Any, _: Any) -> str:
        return str(self._events[self._key(row)].type)

    def _orderevent_payload(self, row: Any, _: Any) -> Any:
        return self._events[self._key(row)].payload

    def _strategy_state(self, row: Strategy, _: Any) -> str:
        return effective_state(row)

    def _strategy_own_state(self, row: Strategy, _: Any) -> str:
        return row.state

    def _query_trading_state(self, _: Any, __: Any) -> Any:
        return {**GLOBAL_STATE, "since": instant(GLOBAL_STATE["since"])}

    def _strategy_performance(self, row: Strategy, _: Any, **given: Any) -> Any:
        own = {name: given.get(name) for name in ("instrumentId", "currency", "from", "to")}
        return self._performance({**own, "strategyId": {"eq": str(row.strategy_id)}}, given)

    def _query_performance(self, _: Any, __: Any, **given: Any) -> Any:
        return self._performance(given.get("filter") or {}, given)

    def _performance(self, filter: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        start, end = (parse_instant(filter[name]) if filter.get(name) else None for name in ("from", "to"))
        arguments = PerformanceArguments(
            *(start, end, tuple(given.get("groupBy") or ()), given.get("granularity") or given["bucket"]),
            *(given.get("timeZone") or "UTC", given.get("points"), given["annualizationDays"]),
        )
        where = {name: value for name, value in filter.items() if name not in ("from", "to")}
        return performance(
            self.rows, self.names, arguments, lambda row: satisfies(row, where, self.names), self._is_recorded
        )

    def _order_hold(self, row: Order, _: Any) -> Hold | None:
        own = (one for one in self.rows[Hold] if self._is_linked(one, row))
        return next((one for one in own if one.currency and not one.is_unvalued), None)

    def _hold_amount(self, row: Hold, _: Any) -> str:
        return plain(row.amount)

    def _strategy_budgets(self, row: Strategy, _: Any) -> list[Budget]:
        return self._budgets(row.strategy_id)

    def _query_budgets(self, _: Any, __: Any, strategyId: str | None = None, currency: str | None = None) -> Any:
        return self._budgets(strategyId, currency)

    def _query_budget(self, _: Any, __: Any, strategyId: str, currency: str) -> Budget | None:
        return next(iter(self._budgets(strategyId, currency)), None)

    def _query_registry(self, _: Any, __: Any) -> list[Budget]:
        return self._budgets()

    def _budgets(self, strategy_id: Any = None, currency: str | None = None) -> list[Budget]:
        found = [
            row
            for row in self.rows[Budget]
            if row.allocated is not None
            and (strategy_id is None or str(row.strategy_id) == str(strategy_id))
            and (currency is None or row.currency == currency)
        ]
        return sorted(found, key=lambda row: (row.created_at, row.strategy_id, row.currency))

    def _budget_reserved(self, row: Budget, _: Any) -> str:
        return plain(row.reserved_orders + row.reserved_positions)

    def _budget_available(self, row: Budget, _: Any) -> str:
        return plain(row.allocated - row.reserved_orders - row.reserved_positions)

    def _budget_realized_pnl(self, row: Budget, _: Any) -> str:
        return plain(self._pnl_and_fees(row)[0])

    def _budget_total_fees(self, row: Budget, _: Any) -> str:
        return plain(self._pnl_and_fees(row)[1])

    def _budget_net_pnl(self, row: Budget, _: Any) -> str:
        return plain(self._pnl_and_fees(row)[0] - self._pnl_and_fees(row)[1])

    def _pnl_and_fees(self, row: Budget) -> tuple[Decimal, Decimal]:
        fills = [one for one in self.rows[Fill] if one.strategy_id == row.strategy_id]
        gross = [one.realized_pnl for one in fills if one.settlement_currency == row.currency]
        fees = [one.commission for one in fills if one.commission_currency == row.currency]
        return sum(gross, Decimal(0)), sum(fees, Decimal(0))

    def _query_node(self, _: Any, __: Any, id: str) -> Any:
        entities = (entity for entity in KEYS if entity is not QuarantinedEvent)
        found = next((row for entity in entities for row in self.rows[entity] if node_id(row) == id), None)
        return None if isinstance(found, Budget) and found.allocated is None else found

    def _query_strategy(self, _: Any, __: Any, id: str | None = None, name: str | None = None) -> Any:
        return next((row for row in self.rows[Strategy] if str(row.strategy_id) == id or row.name == name), None)

    def _query_order(self, _: Any, __: Any, clientOrderId: str, strategyId: str | None = None) -> Any:
        found = [row for row in self.rows[Order] if row.client_order_id == clientOrderId]
        return next((row for row in found if strategyId in (None, str(row.strategy_id))), None)

    def _query_strategies(self, _: Any, __: Any, **given: Any) -> Any:
        return self._list(Strategy, self.rows[Strategy], given)

    def _query_orders(self, _: Any, __: Any, **given: Any) -> Any:
        return self._list(Order, self.rows[Order], given)

    def _query_fills(self, _: Any, __: Any, **given: Any) -> Any:
        return self._list(Fill, self.rows[Fill], given)

    def _query_positions(self, _: Any, __: Any, **given: Any) -> Any:
        return self._list(Position, self.rows[Position], given)

    def _query_signals(self, _: Any, __: Any, **given: Any) -> Any:
        return self._list(Signal, self.rows[Signal], given)

    def _query_audit_log(self, _: Any, __: Any, **given: Any) -> Any:
        return self._list(AuditEntry, self.rows[AuditEntry], given)

    def _query_quarantined_events(self, _: Any, __: Any, **given: Any) -> Any:
        return self._list(QuarantinedEvent, self.rows[QuarantinedEvent], given)

    def _query_summary(self, _: Any, __: Any) -> Any:
        counted = {"signals": Signal, "orders": Order, "fills": Fill}
        counted |= {"instruments": Instrument, "discrepancies": Discrepancy}
        return {name: len(self.rows[entity]) for name, entity in counted.items()}

    def _query_instruments(self, _: Any, __: Any, **given: Any) -> Any:
        return self._list(Instrument, self.rows[Instrument], given)

    def _query_discrepancies(self, _: Any, __: Any, **given: Any) -> Any:
        return self._list(Discrepancy, self.rows[Discrepancy], given)

    def _query_fills_summary(self, _: Any, __: Any, **given: Any) -> Any:
        return summary_of_fills(
            self.rows[Fill],
            lambda part: satisfies(part, given.get("filter"), self.names),
            given.get("groupBy") or [],
            self._is_recorded,
        )
