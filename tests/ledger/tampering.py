"""Manual changes of the ledger in `test_verify_tampering`, and the claims of `purser verify` that each one breaks."""

from tests.events import event_id
from tests.ledger.authorizing import INSTRUMENT, STRATEGY_ID

ASSUMED, UNTRADED, UNKNOWN = "X.SIM", "Y.SIM", "Z.SIM"
OF_STRATEGY = f"strategy_id = '{STRATEGY_ID}'"

FOLD = "every order is the fold of its applied events, and every fill equals its event"
REPLAY = "every position is the replay of its fills"
REPORTS = "the engine's own reports of positions agree with the ledger"
FILLED = "an order's filled quantity and notional are the sums of its fills"
ONE_FILL = "each applied OrderFilled event has exactly one fill, and each fill its event"
CONFLICTING = "other content under a known event id is in quarantine"
WAITING = "each quarantined event is a recorded event of its order"
DISMISSED = "the dismissed events are those that an admin dismissed"
RESOLVED = "resolutions of quarantined events equal the events of their decisions"
RESOLVED_AUDIT = "resolutions of quarantined events equal their last change in the audit log"
TWICE = "a trade counts twice only where an admin accepted it"
KEYS = "API keys equal their last change in the audit log"
INSTRUMENTS = "the terms of instruments equal their last change in the audit log"
TRADES = "the stored totals of trades are the sums of the closed positions"
RESERVED = "the reserved amounts of a budget are its open holds and the cost of its open positions"
BALANCED = "every hold: amount = remaining + captured + voided"
EXPOSURE = "every hold is the value of the exposure that its open order would add, or is marked as unvalued"
PRICED = "every open order's hold is valued at the order's price"
CURRENCY = "every open order's hold is in its instrument's settlement currency"
VERSIONS = "journal versions count from 1 to the budget's without a gap"
CHAINED = "each journal entry begins where the one before it ended"
LAST = "the last journal entry equals the budget"
FOUNDED = "each journal entry's reason is an event of its order"
LOGGED_SET = "each cap that was set has its entry in the audit log"
GRANTED = "no grant reserved more than was allocated"
UNVALUED = "nothing was granted while the hold of an open order was unknown"
OVER = "a budget has a reason for being over its cap if and only if it is"
ENDED = "an order that has ended holds nothing"
NO_HOLD = "an open order has its hold"
NO_ORDER = "every hold has its order"
DECISION = "each granted or denied order has one decision"
NUMBERED = "a strategy's events are numbered from 1 without a gap: none is missing"

DAYS = "the stored totals of fills are the sums of the fills"
SUMS = "the sums of fills over all days are the sums of the days"
ORDERS = "the stored counts of orders are right"
POSITIONS = "the stored counts of positions are right"
SIGNALS = "the stored counts of signals are right"
IN_FEED = "every object has a row in the change feed"
LOGGED = "every audit entry in the change feed exists"
HASHED = "the audit hash chain is whole"
FINITE = "no amount is NaN or infinite"
BUDGETS = "budgets equal their last change in the audit log"
STATES = "trading states equal their last change in the audit log"
GLOBAL_STATE = "the state of all trading equals its last change in the audit log"

BOUGHT = f"{OF_STRATEGY} AND event_id = '{event_id(4)}'"
LAST_ENTRY = (
    f"{OF_STRATEGY} AND currency = 'USDT' "
    f"AND version = (SELECT version FROM budgets WHERE {OF_STRATEGY} AND currency = 'USDT')"
)
BOTH_COMMISSIONS = f"event_id IN ('{event_id(4)}', '{event_id(5)}')"


def fill_change(change: str) -> tuple[tuple[str, ...], list[str]]:
    return (FOLD,), [f"UPDATE fills SET {change} WHERE {BOUGHT}"]


def hold_change(order: str, change: str, *claims: str) -> tuple[tuple[str, ...], list[str]]:
    return claims, [f"UPDATE holds SET {change} WHERE client_order_id = '{order}'"]


def grant_moved_after(order: str) -> tuple[tuple[str, ...], list[str]]:
    """Exchanges the last event of the order and the grant of O-5."""
    last = f"(SELECT max(seq) FROM order_events WHERE client_order_id = '{order}')"
    grant = "(SELECT seq FROM order_events WHERE client_order_id = 'O-5')"
    swap = f"""
        UPDATE order_events SET seq = {last} + {grant} - seq
        WHERE {OF_STRATEGY} AND (client_order_id = 'O-5' OR client_order_id = '{order}' AND seq = {last})
    """
    return (UNVALUED,), [swap]


TAMPERING: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "an event's type": ((FOLD,), ["UPDATE order_events SET type = 'OrderAccepted' WHERE type = 'OrderSubmitted'"]),
    "an event's instant": ((FOLD,), ["UPDATE order_events SET ts_init = ts_init + 1 WHERE type = 'OrderSubmitted'"]),
    "a report's instant": (
        (REPLAY,),
        ["UPDATE order_events SET ts_event = ts_event + 1 WHERE position_id IS NOT NULL AND variant = 0"],
    ),
    "a fill's liquidity": fill_change("liquidity_side = 'MAKER'"),
    "a fill's account": ((FOLD, REPLAY), [f"UPDATE fills SET account_id = 'X' WHERE {BOUGHT}"]),
    "a fill's venue order": fill_change("venue_order_id = 'X'"),
    "a fill's venue order lost": fill_change("venue_order_id = NULL"),
    "a fill's currency": fill_change("currency = 'EUR'"),
    "commissions of two fills exchanged": (
        (FOLD,),
        [
            f"UPDATE fills SET commission = (SELECT sum(commission) FROM fills WHERE {BOTH_COMMISSIONS}) - commission "
            f"WHERE {BOTH_COMMISSIONS}"
        ],
    ),
    "a fill of another trade": ((FOLD, ONE_FILL), [f"UPDATE fills SET trade_id = 'T-99' WHERE {BOUGHT}"]),
    "a fill of another order": (
        (FILLED, ONE_FILL),
        [f"UPDATE fills SET client_order_id = 'O-4' WHERE {BOUGHT}"],
    ),
    "a fill that claims to be accepted": ((FOLD, TWICE), [f"UPDATE fills SET repeat_id = event_id WHERE {BOUGHT}"]),
    "an order without an event": (
        (FOLD,),
        [
            'INSERT INTO orders SELECT (jsonb_populate_record(o, \'{"client_order_id": "O-99"}\')).* FROM orders o '
            "WHERE client_order_id = 'O-7'",
            f"UPDATE order_totals SET orders = orders + 1 WHERE instrument_id = '{INSTRUMENT}' AND status = 'CANCELED'",
            "INSERT INTO changes SELECT (jsonb_populate_record(c, jsonb_build_object('id', (SELECT max(id) + 1 FROM "
            "changes), 'key', 'O-99'))).* FROM changes c WHERE entity = 'order' LIMIT 1",
        ],
    ),
    "other content missing in quarantine": ((CONFLICTING,), ["DELETE FROM quarantined_events WHERE code LIKE 'CONF%'"]),
    "other content dismissed without a resolution": (
        (CONFLICTING, DISMISSED),
        ["UPDATE quarantined_events SET code = 'DISMISSED' WHERE code LIKE 'CONF%'"],
    ),
    "dismissed content missing in quarantine": (
        (DISMISSED,),
        ["DELETE FROM quarantined_events WHERE variant > 0 AND code = 'DISMISSED'"],
    ),
    "an event in quarantine of another order": (
        (WAITING,),
        ["UPDATE quarantined_events SET client_order_id = 'x' WHERE code = 'REPEATED_TRADE'"],
    ),
    "an event in quarantine at another time": (
        (WAITING,),
        ["UPDATE quarantined_events SET ts_event = ts_event + 1 WHERE code = 'REPEATED_TRADE'"],
    ),
    "a report in quarantine": (
        (WAITING,),
        [
            "INSERT INTO quarantined_events SELECT strategy_id, event_id, 0, 'O-1', ts_event, 'ILLEGAL_TRANSITION', '' "
            "FROM order_events WHERE position_id IS NOT NULL AND variant = 0 LIMIT 1"
        ],
    ),
    "a quarantined event that was never recorded": (
        (WAITING,),
        [
            f"INSERT INTO quarantined_events VALUES ('{STRATEGY_ID}', gen_random_uuid(), 0, 'O-1', 1, "
            "'ILLEGAL_TRANSITION', '')"
        ],
    ),
    "the reason of a dismissal": (
        (DISMISSED,),
        ["UPDATE quarantined_events SET reason = 'x' WHERE code = 'DISMISSED'"],
    ),
    "the actor of a resolution": ((RESOLVED, DISMISSED), ["UPDATE quarantine_resolutions SET actor = 'key:x'"]),
    "a resolution lost": (
        (RESOLVED, DISMISSED, RESOLVED_AUDIT),
        ["DELETE FROM quarantine_resolutions WHERE action = 'DISMISS' AND variant = 0"],
    ),
    "a key for all strategies": ((KEYS,), ["UPDATE api_keys SET strategy_ids = NULL WHERE name = 'bot'"]),
    "a key for more strategies": (
        (KEYS,),
        ["UPDATE api_keys SET strategy_ids = (SELECT array_agg(strategy_id) FROM strategies) WHERE name = 'bot'"],
    ),
    "a key for another strategy": (
        (KEYS,),
        [
            "UPDATE api_keys SET strategy_ids = (SELECT array_agg(strategy_id) FROM strategies WHERE name = 'Idle-000')"
            " WHERE name = 'bot'"
        ],
    ),
    "a key for no strategy": ((KEYS,), ["UPDATE api_keys SET strategy_ids = '{}' WHERE name = 'bot'"]),
    "a quote currency": (
        (INSTRUMENTS,),
        [f"UPDATE instruments SET quote_currency = 'EUR' WHERE instrument_id = '{INSTRUMENT}'"],
    ),
    "a base currency": (
        (INSTRUMENTS,),
        [f"UPDATE instruments SET base_currency = NULL WHERE instrument_id = '{INSTRUMENT}'"],
    ),
    "a kind": ((INSTRUMENTS,), [f"UPDATE instruments SET kind = 'Option' WHERE instrument_id = '{INSTRUMENT}'"]),
    "profit without trades": (
        (TRADES,),
        [f"INSERT INTO trade_totals VALUES ('{STRATEGY_ID}', '2020-01-01', 'USDT', 0, 0, 0, 1000, 0)"],
    ),
    "wins without trades": (
        (TRADES,),
        [f"INSERT INTO trade_totals VALUES ('{STRATEGY_ID}', '2020-01-01', 'USDT', 0, 1, 0, 0, 0)"],
    ),
    "more reserved": (
        (RESERVED,),
        [
            "UPDATE budgets SET reserved_orders = reserved_orders + 1 WHERE currency = 'USDT'",
            f"UPDATE budget_journal SET reserved_after = reserved_after + 1 WHERE {LAST_ENTRY}",
        ],
    ),
    "a hold out of balance": (
        (BALANCED,),
        ["ALTER TABLE holds DROP CONSTRAINT holds_balanced", "UPDATE holds SET captured = captured + 1"],
    ),
    "a larger hold": hold_change("O-4", "amount = amount + 1, remaining = remaining + 1", EXPOSURE, RESERVED),
    "a hold that cannot be valued": hold_change("O-4", "is_unvalued = true", EXPOSURE),
    "a hold at another price": hold_change("O-4", "unit_price = unit_price + 1", PRICED),
    "a hold without its price": hold_change("O-4", "unit_price = NULL", PRICED),
    "a hold of an amount with a price": hold_change("O-10", "unit_price = 100", PRICED),
    "a hold in another currency": hold_change("O-11", "currency = 'EUR'", CURRENCY),
    "a hold in another currency than assumed": hold_change("O-12", "currency = 'EUR'", CURRENCY),
    "one version too many": ((VERSIONS,), ["UPDATE budgets SET version = version + 1 WHERE currency = 'EUR'"]),
    "an entry lost": (
        (VERSIONS, CHAINED),
        ["DELETE FROM budget_journal WHERE currency = 'USDT' AND version = 2"],
    ),
    "the amount before an entry": (
        (CHAINED,),
        ["UPDATE budget_journal SET allocated_before = 5 WHERE currency = 'USDT' AND version = 3"],
    ),
    "the last entry": (
        (LAST,),
        [f"UPDATE budget_journal SET reserved_after = reserved_after + 1 WHERE {LAST_ENTRY}"],
    ),
    "a reason": (
        (FOUNDED,),
        [f"UPDATE budget_journal SET reason = 'FILLED', client_order_id = 'x' WHERE {LAST_ENTRY}"],
    ),
    "a set budget without an audit entry": (
        (LOGGED_SET,),
        [f"UPDATE budget_journal SET reason = 'SET', client_order_id = NULL WHERE {LAST_ENTRY}"],
    ),
    "too much granted": (
        (GRANTED,),
        [
            "UPDATE budget_journal j SET reserved_before = 5000 FROM budget_journal g WHERE g.reason = 'AUTHORIZED' "
            "AND g.client_order_id = 'O-5' AND j.currency = g.currency AND j.version = g.version + 1",
            "UPDATE budget_journal SET reserved_after = 5000 WHERE reason = 'AUTHORIZED' AND client_order_id = 'O-5'",
        ],
    ),
    "granted beside an unknown instrument": grant_moved_after("O-20"),
    "granted beside an order without a price": grant_moved_after("O-21"),
    "granted beside an unknown quantity": grant_moved_after("O-22"),
    "over without an excess": (
        (OVER,),
        [
            "ALTER TABLE budgets DROP CONSTRAINT budgets_over",
            "UPDATE budgets SET over_reason = 'CUT' WHERE currency = 'EUR'",
        ],
    ),
    "a hold of an order that ended": hold_change(
        "O-1", "amount = amount + 1, remaining = 1", ENDED, EXPOSURE, RESERVED
    ),
    "an open order without a hold": ((NO_HOLD,), ["DELETE FROM holds WHERE client_order_id = 'O-11'"]),
    "a hold without an order": (
        (NO_ORDER,),
        [f"INSERT INTO holds (strategy_id, client_order_id) VALUES ('{STRATEGY_ID}', 'x')"],
    ),
    "two decisions": (
        (DECISION,),
        [
            f"UPDATE strategies SET event_seq = event_seq + 1 WHERE {OF_STRATEGY}",
            "INSERT INTO order_events SELECT (jsonb_populate_record(e, jsonb_build_object('event_id', "
            f"'{event_id(999)}', 'seq', s.event_seq, 'payload', payload || '{{\"event_id\": \"{event_id(999)}\"}}'))).*"
            " FROM order_events e JOIN strategies s USING (strategy_id) WHERE e.type = 'AuthorizationDenied'",
        ],
    ),
    "one event too many": ((NUMBERED,), [f"UPDATE strategies SET event_seq = event_seq + 1 WHERE {OF_STRATEGY}"]),
    "a position's peak": ((REPLAY,), ["UPDATE positions SET peak_qty = peak_qty + 1 WHERE position_id = 'P-1'"]),
    "a discrepancy without a difference": (
        (REPORTS, REPLAY),
        [
            "INSERT INTO discrepancies SELECT strategy_id, event_id, 'QUANTITY', position_id, 1, 'X', ts_event, '1', "
            "'2' FROM order_events WHERE position_id IS NOT NULL AND variant = 0"
        ],
    ),
    "a day's fills": ((DAYS, SUMS), ["UPDATE fill_totals SET notional = notional + 1"]),
    "fills of all days": ((SUMS,), ["UPDATE fill_sums SET fills = fills + 1"]),
    "a count of orders": ((ORDERS,), ["UPDATE order_totals SET orders = orders + 1 WHERE status = 'FILLED'"]),
    "a count of positions": ((POSITIONS,), ["UPDATE position_totals SET positions = positions + 1"]),
    "a count of signals": ((SIGNALS,), ["UPDATE signal_totals SET signals = signals + 1"]),
    "a signal not in the feed": ((IN_FEED,), ["DELETE FROM changes WHERE entity = 'signal'"]),
    "the last audit entry": (
        (LOGGED, RESOLVED_AUDIT),
        ["DELETE FROM audit_entries WHERE id = (SELECT max(id) FROM audit_entries)"],
    ),
    "the actor of an audit entry": ((HASHED,), ["UPDATE audit_entries SET actor = 'key:x' WHERE id = 1"]),
    "an average that is NaN": (
        (FOLD, FINITE),
        [
            "ALTER TABLE orders DROP CONSTRAINT orders_avg_px_finite",
            "UPDATE orders SET avg_px = 'NaN' WHERE client_order_id = 'O-1'",
        ],
    ),
    "a budget": ((BUDGETS, LAST), ["UPDATE budgets SET allocated = 2000 WHERE currency = 'EUR'"]),
    "a halt": ((STATES,), ["UPDATE strategies SET state = 'HALTED' WHERE name = 'Idle-000'"]),
    "a halt of all trading": ((GLOBAL_STATE,), ["UPDATE trading_control SET state = 'HALTED'"]),
}
