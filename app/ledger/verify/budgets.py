"""The invariants of budgets, holds and the journal."""

from app.ledger.verify.invariants import differing, half_even, stated
from app.models.orders import OPEN

_RESERVED = """
SELECT strategy_id, currency, reserved_orders AS orders, reserved_positions AS positions FROM budgets
WHERE reserved_orders <> 0 OR reserved_positions <> 0
"""
_RECOMPUTED = """
SELECT strategy_id, currency, sum(orders) AS orders, sum(positions) AS positions FROM (
    SELECT strategy_id, currency, remaining AS orders, 0 AS positions FROM holds WHERE remaining <> 0
    UNION ALL SELECT strategy_id, currency, 0, abs(cost) FROM positions WHERE status = 'OPEN' AND cost <> 0
) tied GROUP BY 1, 2
"""

_UNBALANCED = """
SELECT concat_ws(' ', strategy_id, client_order_id) AS row,
       concat('amount ', amount) AS stored,
       concat('remaining ', remaining, ' + captured ', captured, ' + voided ', voided) AS recomputed
FROM holds WHERE amount <> remaining + captured + voided
OR least(amount, remaining, captured, voided) < 0
"""

_IS_AMOUNT = """is_quote_quantity AND NOT EXISTS (
                           SELECT FROM instruments i WHERE i.instrument_id = orders.instrument_id AND i.is_inverse
                       )"""
_REMAINING = """
SELECT strategy_id, client_order_id, remaining, is_unvalued FROM holds WHERE remaining <> 0 OR is_unvalued
"""
# As in `rules.holds`: orders share the position that they would reduce, in the order of `ts_init`. A quotient
# is rounded at 18 places; the factor provides enough digits to round from.
_OPEN_HOLDS = f"""
SELECT strategy_id, client_order_id, remaining, is_unvalued FROM (
    SELECT o.strategy_id, o.client_order_id, CASE
               WHEN h.currency IS NULL OR price IS NULL THEN 0
               WHEN o.is_amount THEN added * coalesce(i.multiplier, 1)
               WHEN NOT coalesce(i.is_inverse, false) THEN added * price * coalesce(i.multiplier, 1)
               WHEN price = 0 THEN 0
               ELSE {half_even(f"(added * i.multiplier * 1.{'0' * 40} / price)", 18)} END AS remaining,
           o.is_unknown OR added > 0 AND (h.currency IS NULL OR price IS NULL) AS is_unvalued
    FROM (
        SELECT strategy_id, client_order_id, instrument_id, side, reduce_only, leaves, is_amount,
               coalesce(orders.price, trigger_price) AS own_price, quantity_source = 'UNKNOWN' AS is_unknown,
               coalesce(sum(leaves) FILTER (WHERE NOT is_amount) OVER (PARTITION BY strategy_id, instrument_id, side
                        ORDER BY ts_init, client_order_id COLLATE "C"
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS claimed
        FROM orders CROSS JOIN LATERAL (
            SELECT {_IS_AMOUNT} AS is_amount,
                   greatest(quantity - CASE WHEN is_quote_quantity THEN abs(filled_notional) ELSE filled_qty END, 0)
                   AS leaves
        ) l WHERE {OPEN}
    ) o
    JOIN holds h USING (strategy_id, client_order_id)
    LEFT JOIN instruments i USING (instrument_id)
    LEFT JOIN (
        SELECT strategy_id, instrument_id, CASE min(entry) WHEN 'BUY' THEN 'SELL' ELSE 'BUY' END AS side,
               sum(abs(signed_qty)) AS held FROM positions WHERE status = 'OPEN' GROUP BY 1, 2
        HAVING min(entry) = max(entry) -- while both sides are open, none is reduced
    ) p USING (strategy_id, instrument_id, side)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN o.is_amount THEN o.leaves
               ELSE o.leaves - least(o.leaves, greatest(coalesce(p.held, 0) - o.claimed, 0)) END AS added,
               CASE WHEN o.is_amount THEN 1 ELSE abs(coalesce(o.own_price, h.reference_price)) END AS price
    ) a
    WHERE NOT o.reduce_only
) valued WHERE remaining <> 0 OR is_unvalued
"""

# One unit of an amount is worth 1. Without a price the hold is empty.
_PRICED_OTHERWISE = f"""
SELECT concat_ws(' ', h.strategy_id, h.client_order_id) AS row, concat('at ', h.unit_price) AS stored,
       concat('at ', u.unit_price) AS recomputed
FROM orders CROSS JOIN LATERAL (SELECT {_IS_AMOUNT} AS is_amount) l
JOIN holds h USING (strategy_id, client_order_id) CROSS JOIN LATERAL (
    SELECT CASE WHEN is_amount THEN 1 ELSE abs(coalesce(orders.price, trigger_price, h.reference_price)) END
    AS unit_price
) u WHERE {OPEN} AND h.unit_price IS DISTINCT FROM u.unit_price
"""
# A request for an order in an unknown instrument names the currency, which is valid until the instrument is recorded.
_HELD_IN_ANOTHER_CURRENCY = f"""
SELECT concat_ws(' ', h.strategy_id, h.client_order_id) AS row, concat('in ', h.currency) AS stored,
       concat('in ', i.settlement_currency, ', which ', i.instrument_id, ' settles in') AS recomputed
FROM holds h JOIN orders o USING (strategy_id, client_order_id) JOIN instruments i USING (instrument_id)
WHERE h.currency <> i.settlement_currency AND {OPEN} AND (i.source = 'RECORDED' OR NOT EXISTS (
    SELECT FROM order_events e WHERE e.strategy_id = h.strategy_id AND e.client_order_id = h.client_order_id
    AND e.type = 'AuthorizationGranted' AND e.payload->>'currency' = h.currency
))
"""
# The hold of an order without a value was unknown from its last applied OrderInitialized on, because what becomes known
# stays known. An order made by other events, or by an admin's decision, existed at its last event. An order without a
# price was unvalued until its strategy traded the instrument, and counts in its currency.
_GRANTED_WHILE_UNVALUED = """
SELECT concat_ws(' ', g.strategy_id, g.client_order_id) AS row,
       concat('granted, ', j.reserved_after - j.reserved_before, ' ', j.currency) AS stored,
       concat('denied: what ', u.client_order_id, ' needs is not known') AS recomputed
FROM holds u JOIN orders o USING (strategy_id, client_order_id)
CROSS JOIN LATERAL (
    SELECT coalesce(max(e.seq) FILTER (WHERE e.type = 'OrderInitialized' AND q.event_id IS NULL), max(e.seq)) AS seq
    FROM order_events e LEFT JOIN quarantined_events q USING (strategy_id, event_id, variant)
    WHERE e.strategy_id = u.strategy_id AND e.client_order_id = u.client_order_id AND e.variant = 0
) i
JOIN order_events g ON g.strategy_id = u.strategy_id AND g.type = 'AuthorizationGranted' AND g.seq > i.seq
    AND g.client_order_id <> u.client_order_id
-- What was granted then: what the order holds now may be more, and in another currency.
JOIN budget_journal j ON j.strategy_id = g.strategy_id AND j.client_order_id = g.client_order_id
    AND j.reason = 'AUTHORIZED' AND j.reserved_after > j.reserved_before
WHERE u.is_unvalued AND (u.currency IS NULL OR u.currency = j.currency AND (
    o.quantity_source = 'UNKNOWN' OR NOT EXISTS (
        SELECT FROM fills f WHERE f.strategy_id = u.strategy_id AND f.instrument_id = o.instrument_id AND f.seq < g.seq
    )
) AND NOT EXISTS (
    SELECT FROM audit_entries a WHERE a.entity_type = 'instrument' AND a.entity_id = o.instrument_id
    AND a.before->>'settlementCurrency' <> a.after->>'settlementCurrency'
))
"""

_ENDED_WITH_HOLD = f"""
SELECT concat_ws(' ', o.strategy_id, o.client_order_id) AS row, concat('remaining ', h.remaining) AS stored,
       concat('nothing, for the order is ', o.status) AS recomputed
FROM orders o JOIN holds h USING (strategy_id, client_order_id) WHERE h.remaining <> 0 AND NOT ({OPEN})
"""
_ORDER_WITHOUT_HOLD = f"""
SELECT concat_ws(' ', o.strategy_id, o.client_order_id) AS row, 'no hold' AS stored,
       concat('one, for the order is ', o.status) AS recomputed
FROM orders o LEFT JOIN holds h USING (strategy_id, client_order_id) WHERE h.strategy_id IS NULL AND {OPEN}
"""
_HOLD_WITHOUT_ORDER = """
SELECT concat_ws(' ', h.strategy_id, h.client_order_id) AS row, 'a hold' AS stored, 'none: no such order' AS recomputed
FROM holds h LEFT JOIN orders o USING (strategy_id, client_order_id) WHERE o.strategy_id IS NULL
"""

_JOURNALED = "SELECT strategy_id, currency, version AS entries, version AS last FROM budgets WHERE version <> 0"
_ENTRIES = "SELECT strategy_id, currency, count(*) AS entries, max(version) AS last FROM budget_journal GROUP BY 1, 2"
_UNCHAINED = """
SELECT concat_ws(' ', strategy_id, currency, 'version', version) AS row,
       concat('before: allocated ', allocated_before, ', reserved ', reserved_before) AS stored,
       concat('after the one before: allocated ', allocated, ', reserved ', reserved) AS recomputed
FROM (
    SELECT *, lag(allocated_after) OVER chain AS allocated, lag(reserved_after) OVER chain AS reserved
    FROM budget_journal WINDOW chain AS (PARTITION BY strategy_id, currency ORDER BY version)
) entries WHERE version > 1 AND (allocated_before, reserved_before) IS DISTINCT FROM (allocated, reserved)
"""
_LAST_ENTRIES = """
SELECT DISTINCT ON (strategy_id, currency) strategy_id, currency, allocated_after AS allocated,
       reserved_after AS reserved
FROM budget_journal ORDER BY strategy_id, currency, version DESC
"""
_AS_JOURNALED = """
SELECT strategy_id, currency, coalesce(allocated, 0) AS allocated, reserved_orders + reserved_positions AS reserved
FROM budgets WHERE version <> 0
"""

# The event that each reason requires of the entry's order.
_UNFOUNDED = """
SELECT concat_ws(' ', strategy_id, currency, 'version', version) AS row,
       concat_ws(' ', reason, client_order_id) AS stored,
       'another reason: nothing of the kind is recorded of the order' AS recomputed
FROM budget_journal j WHERE NOT CASE
    WHEN reason IN ('SET', 'DELETED') THEN client_order_id IS NULL
    WHEN reason IN ('AUTHORIZED', 'RELEASED') THEN EXISTS (
        SELECT FROM order_events e WHERE e.strategy_id = j.strategy_id AND e.client_order_id = j.client_order_id
        AND e.type = CASE reason WHEN 'AUTHORIZED' THEN 'AuthorizationGranted' ELSE 'AuthorizationReleased' END)
    WHEN reason = 'FILLED' THEN EXISTS (
        SELECT FROM fills f WHERE f.strategy_id = j.strategy_id AND f.client_order_id = j.client_order_id)
    WHEN reason IN ('HELD', 'REPRICED', 'VOIDED') THEN EXISTS (
        SELECT FROM orders o WHERE o.strategy_id = j.strategy_id AND o.client_order_id = j.client_order_id)
    ELSE reason = 'REVALUED' END
"""
# Entries of the audit log state the version of the budget that they made.
_SET_WITHOUT_ENTRY = """
SELECT concat_ws(' ', j.strategy_id, j.currency, 'version', j.version) AS row,
       concat(j.reason, ', allocated ', j.allocated_after) AS stored, 'an entry in the audit log' AS recomputed
FROM budget_journal j JOIN (
    SELECT entity_id, min((after->>'version')::bigint) AS first, array_agg((after->>'version')::bigint) AS versions
    FROM audit_entries WHERE action = 'budget.set' GROUP BY 1
) a ON a.entity_id = j.strategy_id || '/' || j.currency
WHERE j.reason = 'SET' AND j.version >= a.first AND j.version <> ALL (a.versions)
"""

_GRANTED_TOO_MUCH = """
SELECT concat_ws(' ', strategy_id, currency, 'version', version) AS row,
       concat('granted up to ', reserved_after) AS stored, concat('at most ', allocated_after) AS recomputed
FROM budget_journal
WHERE reason = 'AUTHORIZED' AND reserved_after > reserved_before AND reserved_after > allocated_after
"""
_OVER = """
SELECT concat_ws(' ', strategy_id, currency) AS row, coalesce(over_reason, 'not over') AS stored,
       concat('allocated ', allocated, ', reserved ', reserved_orders + reserved_positions) AS recomputed
FROM budgets WHERE (over_reason IS NOT NULL) <> coalesce(reserved_orders + reserved_positions > allocated, false)
"""

_GRANTED_OR_DENIED = """
SELECT strategy_id, client_order_id, 1 AS n FROM orders WHERE authorization_status IN ('GRANTED', 'DENIED')
"""
_DECISIONS = """
SELECT strategy_id, client_order_id, count(*)::integer AS n FROM order_events e
JOIN orders o USING (strategy_id, client_order_id)
WHERE type IN ('AuthorizationGranted', 'AuthorizationDenied') AND authorization_status IN ('GRANTED', 'DENIED')
GROUP BY 1, 2
"""

_HOLDS_FOLLOW = "every hold is the value of the exposure that its open order would add, or is marked as unvalued"
_RESERVED_FOLLOW = "the reserved amounts of a budget are its open holds and the cost of its open positions"
_RESERVATIONS_DIFFER = differing("strategy_id, currency", _RESERVED, _RECOMPUTED, "orders, positions")
_HOLDS_DIFFER = differing("strategy_id, client_order_id", _REMAINING, _OPEN_HOLDS, "remaining, is_unvalued")
_VERSIONS_DIFFER = differing("strategy_id, currency", _JOURNALED, _ENTRIES, "entries, last")
_LAST_ENTRIES_DIFFER = differing("strategy_id, currency", _AS_JOURNALED, _LAST_ENTRIES, "allocated, reserved")
_DECISIONS_DIFFER = differing("strategy_id, client_order_id", _GRANTED_OR_DENIED, _DECISIONS, "n")

BUDGET_INVARIANTS = (
    stated(1, _RESERVED_FOLLOW, _RESERVATIONS_DIFFER),
    stated(2, "every hold: amount = remaining + captured + voided", _UNBALANCED),
    stated(2, _HOLDS_FOLLOW, _HOLDS_DIFFER),
    stated(2, "every open order's hold is valued at the order's price", _PRICED_OTHERWISE),
    stated(2, "every open order's hold is in its instrument's settlement currency", _HELD_IN_ANOTHER_CURRENCY),
    stated(3, "journal versions count from 1 to the budget's without a gap", _VERSIONS_DIFFER),
    stated(3, "each journal entry begins where the one before it ended", _UNCHAINED),
    stated(3, "the last journal entry equals the budget", _LAST_ENTRIES_DIFFER),
    stated(3, "each journal entry's reason is an event of its order", _UNFOUNDED),
    stated(3, "each cap that was set has its entry in the audit log", _SET_WITHOUT_ENTRY),
    stated(4, "no grant reserved more than was allocated", _GRANTED_TOO_MUCH),
    stated(4, "nothing was granted while the hold of an open order was unknown", _GRANTED_WHILE_UNVALUED),
    stated(4, "a budget has a reason for being over its cap if and only if it is", _OVER),
    stated(5, "an order that has ended holds nothing", _ENDED_WITH_HOLD),
    stated(5, "an open order has its hold", _ORDER_WITHOUT_HOLD),
    stated(5, "every hold has its order", _HOLD_WITHOUT_ORDER),
    stated(9, "each granted or denied order has one decision", _DECISIONS_DIFFER),
)
