"""The invariants of administrative decisions: settings and resolved events equal their last change in the audit log."""

from app.ledger.storage.audit_log import audited_name
from app.ledger.verify.invariants import Invariant, differing, stated
from app.models.orders import NO_REPEAT


def _audited(what: str, entity_type: str, stored: str, **types: str) -> Invariant:
    """Objects equal their last entries in the audit log; a deleted object has none. `types` are SQL's, by column.

    `stored` selects the columns and `entity_id`.
    """
    columns = ", ".join(f"after->>'{audited_name(name)}' AS {name}" for name in types)
    logged = f"""
        SELECT entity_id, {columns} FROM (
            SELECT DISTINCT ON (entity_id) entity_id, after FROM audit_entries
            WHERE entity_type = '{entity_type}' ORDER BY entity_id, id DESC
        ) last WHERE after <> 'null'
    """
    values = ", ".join(f"{name}::{kind}" for name, kind in types.items())
    differ = differing("entity_id", stored, logged, values)
    return stated(10, f"{what} equal their last change in the audit log", differ)


# Budgets without an audited change are compared with the journal only.
_BUDGETS = """
SELECT a.entity_id, b.allocated FROM (SELECT DISTINCT entity_id FROM audit_entries WHERE entity_type = 'budget') a
JOIN budgets b ON b.strategy_id || '/' || b.currency = a.entity_id WHERE b.allocated IS NOT NULL
"""
# A strategy that an engine made known has no entry until its state is set.
_STATES = """
SELECT strategy_id::text AS entity_id, state FROM strategies
WHERE state <> 'ACTIVE' OR strategy_id::text IN (SELECT entity_id FROM audit_entries WHERE entity_type = 'strategy')
"""
# The stored row and the last entry; ACTIVE without an entry. A missing row halts all trading and is a finding.
_GLOBAL_STATE = """
SELECT 'ALL' AS entity_id, c.state::text, c.since, c.actor::text
FROM (VALUES (1)) one LEFT JOIN trading_control c ON true
"""
_LAST_GLOBAL_STATE = """
SELECT 'ALL' AS entity_id, coalesce(a.after->>'state', 'ACTIVE') AS state, (a.after->>'since')::bigint AS since,
       a.actor::text
FROM (VALUES (1)) one LEFT JOIN (
    SELECT after, actor FROM audit_entries WHERE entity_type = 'trading_state' ORDER BY id DESC LIMIT 1
) a ON true
"""
# The log names strategies by TRADER/NAME, which follows from the id and does not change.
_KEYS = """
SELECT key_id AS entity_id, name, role, revoked_at IS NOT NULL AS is_revoked, CASE WHEN strategy_ids IS NOT NULL THEN (
    SELECT coalesce(jsonb_agg(coalesce(s.trader_id || '/' || s.name, bound.id::text) ORDER BY place), '[]')
    FROM unnest(strategy_ids) WITH ORDINALITY AS bound (id, place) LEFT JOIN strategies s ON s.strategy_id = bound.id
) END AS strategies FROM api_keys
"""
_INSTRUMENTS = "SELECT *, instrument_id AS entity_id FROM instruments WHERE source = 'RECORDED'"
_ENTITIES = """
SELECT strategy_id || '/' || event_id || '/' || variant AS entity_id, action FROM quarantine_resolutions
"""

_EVENT = "strategy_id, event_id, variant"
_RESOLUTIONS = """
SELECT strategy_id, event_id, variant, action::text, reason::text, actor::text FROM quarantine_resolutions
"""
# ACCEPT is final, whatever was decided before.
_DECIDED_BY_EVENTS = """
SELECT DISTINCT ON (1, 2, 3) strategy_id, (payload->>'resolves')::uuid AS event_id,
       (payload->>'variant')::smallint AS variant, payload->>'action' AS action, payload->>'reason' AS reason,
       payload->>'actor' AS actor
FROM order_events WHERE type = 'QuarantineResolved' ORDER BY 1, 2, 3, 4
"""
_DISMISSED = "SELECT strategy_id, event_id, variant, reason::text FROM quarantined_events WHERE code = 'DISMISSED'"
_TO_BE_DISMISSED = """
SELECT strategy_id, event_id, variant, actor || ': ' || reason AS reason FROM quarantine_resolutions
WHERE action = 'DISMISS'
"""
# `replay` verifies the codes of all other events.
_CONFLICTING = """
SELECT strategy_id, event_id, variant, code::text FROM quarantined_events
WHERE variant > 0 AND code <> 'DISMISSED'
"""
_OF_OTHER_CONTENT = """
SELECT strategy_id, event_id, variant, 'CONFLICTING_CONTENT' AS code FROM order_events e
WHERE variant > 0 AND NOT EXISTS (
    SELECT FROM quarantine_resolutions r
    WHERE r.strategy_id = e.strategy_id AND r.event_id = e.event_id AND r.variant = e.variant
)
"""
# Reports of positions do not wait; only other content under their id is quarantined.
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
_REPEATED = f"""
SELECT concat_ws(' ', f.strategy_id, f.event_id) AS row, f.repeat_id::text AS stored,
       'a trade of its own, once accepted' AS recomputed
FROM fills f LEFT JOIN quarantine_resolutions r
ON r.strategy_id = f.strategy_id AND r.event_id = f.event_id AND r.variant = 0 AND r.action = 'ACCEPT'
WHERE f.repeat_id <> '{NO_REPEAT}' AND (f.repeat_id <> f.event_id OR r.event_id IS NULL)
"""

_GLOBAL_STATE_DIFFERS = differing("entity_id", _GLOBAL_STATE, _LAST_GLOBAL_STATE, "state, since, actor")
_RESOLUTIONS_DIFFER = differing(_EVENT, _RESOLUTIONS, _DECIDED_BY_EVENTS, "action, reason, actor")
_DISMISSALS_DIFFER = differing(_EVENT, _DISMISSED, _TO_BE_DISMISSED, "reason")
_CONFLICTS_DIFFER = differing(_EVENT, _CONFLICTING, _OF_OTHER_CONTENT, "code")

DECISION_INVARIANTS = (
    _audited("budgets", "budget", _BUDGETS, allocated="numeric"),
    _audited("trading states", "strategy", _STATES, state="text"),
    stated(10, "the state of all trading equals its last change in the audit log", _GLOBAL_STATE_DIFFERS),
    _audited("API keys", "key", _KEYS, name="text", role="text", is_revoked="boolean", strategies="jsonb"),
    _audited(
        "the terms of instruments",
        "instrument",
        _INSTRUMENTS,
        **dict.fromkeys(("base_currency", "quote_currency", "settlement_currency", "kind"), "text"),
        multiplier="numeric",
        is_inverse="boolean",
    ),
    _audited("resolutions of quarantined events", "event", _ENTITIES, action="text"),
    stated(6, "resolutions of quarantined events equal the events of their decisions", _RESOLUTIONS_DIFFER),
    stated(6, "the dismissed events are those that an admin dismissed", _DISMISSALS_DIFFER),
    stated(6, "other content under a known event id is in quarantine", _CONFLICTS_DIFFER),
    stated(6, "each quarantined event is a recorded event of its order", _WAITING_FOR_NOTHING),
    stated(9, "a trade counts twice only where an admin accepted it", _REPEATED),
)
