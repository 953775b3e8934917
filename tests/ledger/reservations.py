"""The capital that strategies reserve, computed only from the lines of a recording, without the ledger."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import orjson

ENDS = {"OrderDenied", "OrderRejected", "OrderCanceled", "OrderExpired"}


@dataclass
class _Order:
    strategy: str
    instrument: str
    side: str
    rank: tuple[int, str]
    quantity: Decimal
    price: Decimal | None
    reduce_only: bool
    filled: Decimal = Decimal(0)


@dataclass
class _Position:
    instrument: str
    signed: Decimal = Decimal(0)
    average: Fraction = Fraction(0)


@dataclass
class Reservations:
    """Open orders and positions of a recording that is read in batches. Every multiplier is 1."""

    open: dict[tuple[str, str], _Order] = field(default_factory=dict)
    positions: dict[tuple[str, str], _Position] = field(default_factory=dict)
    last_prices: dict[tuple[str, str], tuple[int, UUID, Decimal]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def read(self, lines: Iterable[bytes]) -> None:
        """Reads a batch.

        An order without a price is valued at the strategy's last price in the instrument before the order, or else at
        the first fill of the order.
        """
        for line in lines:
            event = orjson.loads(line)
            if event["type"].startswith("Order") and event["event_id"] not in self._seen:
                self._seen.add(event["event_id"])
                self._apply(event)

    def orders(self) -> dict[str, Decimal]:
        """By strategy: what open orders would add to exposure, each after earlier orders of its side."""
        rest: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for (strategy, _), position in self.positions.items():
            if position.signed:
                rest[strategy, position.instrument, "SELL" if position.signed > 0 else "BUY"] += abs(position.signed)
        for strategy, instrument, side in list(rest):
            if side == "BUY" and (strategy, instrument, "SELL") in rest:
                del rest[strategy, instrument, "BUY"], rest[strategy, instrument, "SELL"]  # it hedges
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for order in sorted(self.open.values(), key=lambda order: order.rank):
            market = (order.strategy, order.instrument, order.side)
            leaves = order.quantity - order.filled
            claimed = min(leaves, rest[market])
            rest[market] -= claimed
            if not order.reduce_only:
                amounts[order.strategy] += (leaves - claimed) * (order.price or 0)
        return amounts

    def costs(self) -> dict[str, Fraction]:
        """By strategy: quantity x average open price of open positions."""
        costs: dict[str, Fraction] = defaultdict(Fraction)
        for (strategy, _), position in self.positions.items():
            costs[strategy] += abs(Fraction(position.signed)) * position.average
        return costs

    def _apply(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        key = (event.get("strategy_id", ""), event.get("client_order_id", ""))
        if kind == "OrderInitialized":
            price = event["options"].get("price") or event["options"].get("trigger_price")
            last = self.last_prices.get((key[0], event["instrument_id"]))
            self.open[key] = _Order(
                strategy=key[0],
                instrument=event["instrument_id"],
                side=event["order_side"],
                rank=(event["ts_init"], key[1]),
                quantity=Decimal(event["quantity"]),
                price=Decimal(price) if price else last and last[2],
                reduce_only=event["reduce_only"],
            )
        elif kind in ENDS:
            del self.open[key]
        elif kind == "OrderUpdated":
            order = self.open[key]
            order.quantity = Decimal(event["quantity"])
            price = event["price"] or event["trigger_price"]
            order.price = Decimal(price) if price else order.price
        elif kind == "OrderFilled":
            self._fill(key, event)

    def _fill(self, key: tuple[str, str], event: dict[str, Any]) -> None:
        quantity, price = Decimal(event["last_qty"]), Decimal(event["last_px"])
        order = self.open[key]
        order.filled += quantity
        order.price = price if order.price is None else order.price
        if order.filled >= order.quantity:
            del self.open[key]
        last = (event["ts_event"], UUID(event["event_id"]), price)
        place = (key[0], order.instrument)
        self.last_prices[place] = max(last, self.last_prices.get(place, last))
        position = self.positions.setdefault((key[0], event["position_id"]), _Position(order.instrument))
        signed = quantity if event["order_side"] == "BUY" else -quantity
        after = position.signed + signed
        if position.signed * signed >= 0:
            cost = abs(Fraction(position.signed)) * position.average + Fraction(quantity) * Fraction(price)
            position.average = cost / abs(Fraction(after))
        elif after * signed > 0:
            position.average = Fraction(price)
        position.signed = after
