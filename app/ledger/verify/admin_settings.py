"""What persons and keys set, and nothing else does, stands as the last act on it said."""

from app.ledger.verify.statements import Statement, differing


def _last_said(entity_type: str, values: str) -> str:
    """Each thing of the kind as its last audit entry has it; one that is gone has none."""
    return f"""(
        SELECT entity_id::text, {values} FROM (
            SELECT DISTINCT ON (entity_id) entity_id, after FROM audit_entries
            WHERE entity_type = '{entity_type}' ORDER BY entity_id, id DESC
        ) last WHERE after <> 'null'
    ) recomputed"""


# Budgets that no act is known of are held against the journal alone.
_BUDGETS = """(
    SELECT a.entity_id::text, b.allocated
    FROM (SELECT DISTINCT entity_id FROM audit_entries WHERE entity_type = 'budget') a
    JOIN budgets b ON b.strategy_id || '/' || b.currency = a.entity_id WHERE b.allocated IS NOT NULL
) stored"""
_SAID_OF_BUDGETS = _last_said("budget", "(after->>'allocated')::numeric AS allocated")

# A strategy that an engine made known is ACTIVE until its state is set.
_STATES = "(SELECT strategy_id::text AS entity_id, state::text FROM strategies WHERE state <> 'ACTIVE') stored"
_SAID = _last_said("strategy", "after->>'state' AS state")
_SAID_OF_STATES = f"(SELECT * FROM {_SAID} WHERE state <> 'ACTIVE') said"

# The one row, and the last entry: ACTIVE until there is one. A row that is missing halts everything, and is a finding.
_GLOBAL_STATE = """(
    SELECT 'ALL' AS entity_id, c.state::text, c.since, c.actor::text
    FROM (VALUES (1)) one LEFT JOIN trading_control c ON true
) stored"""
_SAID_OF_GLOBAL_STATE = """(
    SELECT 'ALL' AS entity_id, coalesce(a.after->>'state', 'ACTIVE') AS state, (a.after->>'since')::bigint AS since,
           a.actor::text
    FROM (VALUES (1)) one LEFT JOIN (
        SELECT after, actor FROM audit_entries WHERE entity_type = 'trading_state' ORDER BY id DESC LIMIT 1
    ) a ON true
) said"""

# Strategies go by TRADER/NAME in the log, which follows from the id and does not change.
_KEYS = """(
    SELECT key_id::text AS entity_id, name::text, role::text, revoked_at IS NOT NULL AS is_revoked,
           CASE WHEN strategy_ids IS NULL THEN 'null' ELSE (
               SELECT coalesce(jsonb_agg(coalesce(s.trader_id || '/' || s.name, bound.id::text) ORDER BY place), '[]')
               FROM unnest(strategy_ids) WITH ORDINALITY AS bound (id, place)
               LEFT JOIN strategies s ON s.strategy_id = bound.id
           ) END AS strategies
    FROM api_keys
) stored"""
_SAID_OF_KEYS = _last_said(
    "key",
    "after->>'name' AS name, after->>'role' AS role, (after->>'isRevoked')::boolean AS is_revoked, "
    "after->'strategies' AS strategies",
)

_INSTRUMENTS = """(
    SELECT instrument_id::text AS entity_id, base_currency::text, quote_currency::text, settlement_currency::text,
           multiplier, is_inverse, kind::text
    FROM instruments WHERE source = 'RECORDED'
) stored"""
_SAID_OF_INSTRUMENTS = _last_said(
    "instrument",
    "after->>'baseCurrency' AS base_currency, after->>'quoteCurrency' AS quote_currency, "
    "after->>'settlementCurrency' AS settlement_currency, (after->>'multiplier')::numeric AS multiplier, "
    "(after->>'isInverse')::boolean AS is_inverse, after->>'kind' AS kind",
)

ACT_STATEMENTS = (
    Statement(
        10,
        "budgets are what was set last, by the audit log",
        differing("entity_id", _BUDGETS, _SAID_OF_BUDGETS, "allocated"),
    ),
    Statement(
        10,
        "trading states are what was set last, by the audit log",
        differing("entity_id", _STATES, _SAID_OF_STATES, "state"),
    ),
    Statement(
        10,
        "the state of all trading is what was set last, by the audit log",
        differing("entity_id", _GLOBAL_STATE, _SAID_OF_GLOBAL_STATE, "state, since, actor"),
    ),
    Statement(
        10,
        "API keys are what was made of them, by the audit log",
        differing("entity_id", _KEYS, _SAID_OF_KEYS, "name, role, is_revoked, strategies"),
    ),
    Statement(
        10,
        "instruments are valued as was recorded last, by the audit log",
        differing(
            "entity_id",
            _INSTRUMENTS,
            _SAID_OF_INSTRUMENTS,
            "base_currency, quote_currency, settlement_currency, multiplier, is_inverse, kind",
        ),
    ),
)
