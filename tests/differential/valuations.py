"""The sources of valuations, in plain Python: resolvers of the reference."""

from typing import Any

from app.models.administration import Budget
from app.models.instruments import Discrepancy, Instrument
from app.models.orders import Fill, Hold, Order, Position
from app.rules.order_state import TERMINAL
from tests.differential.rows import Rows


def _is_of(hold: Hold, order: Order) -> bool:
    return (hold.strategy_id, hold.client_order_id) == (order.strategy_id, order.client_order_id)


def _is_confirmed(position: Position) -> bool:
    return position.reconciliation == "AGREES" and position.realized_pnl != 0


class Valuations:
    """Resolvers over `rows`."""

    rows: Rows

    def _instrument(self, row: Any) -> Instrument | None:
        return next((one for one in self.rows[Instrument] if one.instrument_id == row.instrument_id), None)

    def _is_recorded(self, row: Any) -> bool:
        known = self._instrument(row)
        return known is not None and known.source == "RECORDED"

    def _order_valuation(self, row: Order, _: Any) -> str:
        known = self._instrument(row)
        holds = [one for one in self.rows[Hold] if _is_of(one, row)]
        if any(one.is_unvalued for one in holds):
            return "UNVALUED"
        if known is not None:
            return known.source
        is_placed = any(one.currency is not None and one.unit_price is not None for one in holds)
        return "ASSUMED" if is_placed else "UNVALUED"

    def _fill_valuation(self, row: Fill, _: Any) -> str:
        records = (one for one in self.rows[Position] if one.strategy_id == row.strategy_id)
        own = [one for one in records if (one.position_id, one.n) == (row.position_id, row.position_n)]
        return self._valuation(row, any(map(_is_confirmed, own)))

    def _position_valuation(self, row: Position, _: Any) -> str:
        return self._valuation(row, _is_confirmed(row))

    def _discrepancy_position(self, row: Discrepancy, _: Any) -> Position | None:
        records = (one for one in self.rows[Position] if one.strategy_id == row.strategy_id)
        return next((one for one in records if (one.position_id, one.n) == (row.position_id, row.position_n)), None)

    def _valuation(self, row: Any, is_reported: bool) -> str:
        return "RECORDED" if self._is_recorded(row) else "REPORTED" if is_reported else "ASSUMED"

    def _budget_valuation(self, row: Budget, _: Any) -> str:
        own = [one for one in self.rows[Fill] if one.strategy_id == row.strategy_id]
        counted = [one for one in own if row.currency in (one.settlement_currency, one.commission_currency)]
        placed = (one for one in self.rows[Hold] if one.currency == row.currency and one.remaining != 0)
        with_hold = {(one.strategy_id, one.client_order_id) for one in placed}
        orders = (one for one in self.rows[Order] if one.strategy_id == row.strategy_id and one.status not in TERMINAL)
        holding = [one for one in orders if (one.strategy_id, one.client_order_id) in with_hold]
        return "RECORDED" if all(map(self._is_recorded, [*counted, *holding])) else "ASSUMED"

    def _budget_unvalued_orders(self, row: Budget, _: Any) -> int:
        holds = (one for one in self.rows[Hold] if one.strategy_id == row.strategy_id and one.is_unvalued)
        return sum(one.currency in (None, row.currency) for one in holds)
