"""Events in quarantine are recorded ones; what admins decided about them is what our events and the audit log say."""

from app.ledger.verify.statements import Statement, differing
from app.models.orders import NO_REPEAT

_KEY = "strategy_id, event_id, variant"
_STORED = """(
    SELECT strategy_id, event_id, variant, action::text, reason::text, actor::text FROM quarantine_resolutions
) stored"""
# ACCEPT stands, whatever was decided before.
_SAID_BY_EVENTS = """(
    SELECT DISTINCT ON (1, 2, 3) strategy_id, (payload->>'resolves')::uuid AS event_id,
           (payload->>'variant')::smallint AS variant, payload->>'action' AS action, payload->>'reason' AS reason,
           payload->>'actor' AS actor
    FROM order_events WHERE type = 'QuarantineResolved' ORDER BY 1, 2, 3, 4
) recomputed"""
_DISMISSED = """(
    SELECT strategy_id, event_id, variant, reason::text FROM quarantined_events WHERE code = 'DISMISSED'
) stored"""
_TO_BE_DISMISSED = """(
    SELECT strategy_id, event_id, variant, actor || ': ' || reason AS reason FROM quarantine_resolutions
    WHERE action = 'DISMISS'
) recomputed"""
# The replay of the orders finds the codes of all others (`replay`).
_CONFLICTING = """(
    SELECT strategy_id, event_id, variant, code::text FROM quarantined_events
    WHERE variant > 0 AND code <> 'DISMISSED'
) stored"""
_OF_OTHER_CONTENT = """(
    SELECT strategy_id, event_id, variant, 'CONFLICTING_CONTENT' AS code FROM order_events e
    WHERE variant > 0 AND NOT EXISTS (
        SELECT FROM quarantine_resolutions r
        WHERE r.strategy_id = e.strategy_id AND r.event_id = e.event_id AND r.variant = e.variant
    )
) recomputed"""
# Reports of positions wait for nothing; only other content under their id is put aside.
_WAITING_FOR_NOTHING = """
SELECT concat_ws(' ', q.strategy_id, q.event_id, q.variant) AS row,
       concat('of order ', q.client_order_id, ' at ', q.ts_event) AS stored,
       CASE WHEN e.event_id IS NULL THEN 'no such event'
            WHEN e.client_order_id IS NULL AND e.variant = 0 THEN 'a position event, which does not wait'
            ELSE concat('of order ', coalesce(e.client_order_id, e.payload->>'opening_order_id'), ' at ', e.ts_event)
            END AS recomputed
FROM quarantined_events q LEFT JOIN order_events e
ON e.strategy_id = q.strategy_id AND e.event_id = q.event_id AND e.variant = q.variant
WHERE e.event_id IS NULL OR (e.client_order_id IS NULL AND e.variant = 0)
OR q.client_order_id <> coalesce(e.client_order_id, e.payload->>'opening_order_id') OR q.ts_event <> e.ts_event
"""
_ENTITIES = """(
    SELECT strategy_id || '/' || event_id || '/' || variant AS entity_id, action::text FROM quarantine_resolutions
) stored"""
_AUDITED = """(
    SELECT DISTINCT ON (entity_id) entity_id::text, after->>'action' AS action FROM audit_entries
    WHERE entity_type = 'event' ORDER BY entity_id, id DESC
) recomputed"""
_REPEATED = f"""
SELECT concat_ws(' ', f.strategy_id, f.event_id) AS row, f.repeat_id::text AS stored,
       'a trade of its own, once accepted' AS recomputed
FROM fills f LEFT JOIN quarantine_resolutions r
ON r.strategy_id = f.strategy_id AND r.event_id = f.event_id AND r.variant = 0 AND r.action = 'ACCEPT'
WHERE f.repeat_id <> '{NO_REPEAT}' AND (f.repeat_id <> f.event_id OR r.event_id IS NULL)
"""

QUARANTINE_STATEMENTS = (
    Statement(
        6,
        "events in quarantine are resolved as our events say",
        differing(_KEY, _STORED, _SAID_BY_EVENTS, "action, reason, actor"),
    ),
    Statement(
        6,
        "the dismissed events are those that an admin dismissed",
        differing(_KEY, _DISMISSED, _TO_BE_DISMISSED, "reason"),
    ),
    Statement(
        6,
        "other content under a known event id is in quarantine",
        differing(_KEY, _CONFLICTING, _OF_OTHER_CONTENT, "code"),
    ),
    Statement(6, "what is in quarantine is an event that was recorded, of that order", _WAITING_FOR_NOTHING),
    Statement(9, "a trade counts twice only where an admin accepted it", _REPEATED),
    Statement(
        10,
        "events in quarantine are resolved as the audit log says",
        differing("entity_id", _ENTITIES, _AUDITED, "action"),
    ),
)
