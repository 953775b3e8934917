"""What admins decided about events in quarantine: as our own events say, as the audit log says, and no more."""

from app.ledger.verify.statements import Statement, differing
from app.models.fill import NO_REPEAT

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
_DISMISSED = (
    "(SELECT strategy_id, event_id, variant, code::text FROM quarantined_events WHERE code = 'DISMISSED') stored"
)
_TO_BE_DISMISSED = """(
    SELECT strategy_id, event_id, variant, 'DISMISSED' AS code FROM quarantine_resolutions WHERE action = 'DISMISS'
) recomputed"""
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
        differing(_KEY, _DISMISSED, _TO_BE_DISMISSED, "code"),
    ),
    Statement(9, "a trade counts twice only where an admin accepted it", _REPEATED),
    Statement(
        10,
        "events in quarantine are resolved as the audit log says",
        differing("entity_id", _ENTITIES, _AUDITED, "action"),
    ),
)
