"""How instruments are known, what fills and positions are valued in, and what the engine's own reports say of them.

What is stored was valued by older rules: its instruments are listed in `pending_revaluations`, and the next start
computes them anew (`ledger.revaluation`).

Revision ID: 0007
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE instruments ADD source VARCHAR DEFAULT 'ASSUMED' NOT NULL, ADD kind VARCHAR",
    "ALTER TABLE instruments ADD CONSTRAINT instruments_source_known CHECK (source IN ('RECORDED', 'ASSUMED'))",
    """
    UPDATE instruments SET source = 'RECORDED'
    WHERE instrument_id IN (SELECT entity_id FROM audit_entries WHERE entity_type = 'instrument')
    """,
    "ALTER TABLE fills ADD settlement_currency VARCHAR, ADD notional NUMERIC",
    "UPDATE fills SET settlement_currency = currency, notional = last_qty * last_px",
    """
    ALTER TABLE fills ALTER settlement_currency SET NOT NULL, ALTER notional SET NOT NULL,
    ADD CONSTRAINT fills_notional_finite CHECK (notional > '-Infinity' AND notional < 'Infinity')
    """,
    """
    ALTER TABLE positions ADD fills INTEGER DEFAULT 0 NOT NULL,
    ADD reconciliation VARCHAR DEFAULT 'NOT_REPORTED' NOT NULL,
    ADD CONSTRAINT positions_reconciliation_known CHECK (reconciliation IN ('NOT_REPORTED', 'AGREES', 'DIFFERS'))
    """,
    "ALTER TABLE strategies ADD deducts_base_fees BOOLEAN DEFAULT false NOT NULL",
    "ALTER TABLE holds ALTER unit_price DROP NOT NULL, ADD is_unvalued BOOLEAN DEFAULT false NOT NULL",
    """
    UPDATE holds SET unit_price = NULL FROM orders o
    WHERE o.strategy_id = holds.strategy_id AND o.client_order_id = holds.client_order_id
    AND coalesce(o.price, o.trigger_price, holds.reference_price) IS NULL
    """,
    "CREATE INDEX holds_unvalued ON holds (strategy_id, client_order_id) WHERE is_unvalued",
    "ALTER TABLE order_events ADD position_id VARCHAR",
    "ALTER TABLE order_events DISABLE TRIGGER order_events_append_only",
    "UPDATE order_events SET position_id = payload->>'position_id' WHERE type LIKE 'Position%'",
    "ALTER TABLE order_events ENABLE TRIGGER order_events_append_only",
    """
    CREATE INDEX order_events_position ON order_events (strategy_id, position_id, ts_event)
    WHERE position_id IS NOT NULL
    """,
    """
    CREATE TABLE discrepancies (
        strategy_id UUID NOT NULL,
        event_id UUID NOT NULL,
        kind VARCHAR NOT NULL,
        position_id VARCHAR NOT NULL,
        position_n INTEGER,
        instrument_id VARCHAR NOT NULL,
        ts_event BIGINT NOT NULL,
        ledger_value VARCHAR,
        engine_value VARCHAR NOT NULL,
        PRIMARY KEY (strategy_id, event_id, kind),
        CONSTRAINT discrepancies_kind_known CHECK (kind IN
            ('FILL_MISSING', 'QUANTITY', 'AVG_PX_OPEN', 'AVG_PX_CLOSE', 'CURRENCY', 'REALIZED_PNL'))
    )
    """,
    "CREATE INDEX discrepancies_position ON discrepancies (strategy_id, position_id, ts_event)",
    "CREATE INDEX discrepancies_ts ON discrepancies (ts_event, event_id, kind)",
    "CREATE TABLE pending_revaluations (instrument_id VARCHAR NOT NULL, PRIMARY KEY (instrument_id))",
    """
    INSERT INTO pending_revaluations SELECT instrument_id FROM positions
    UNION SELECT instrument_id FROM orders WHERE status NOT IN ('CANCELED', 'DENIED', 'EXPIRED', 'FILLED', 'REJECTED')
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
