"""Orders for amounts, spawned, unreported and mismatched ones; resolved quarantine; accepted repeats of trades.

Revision ID: 0009
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE orders
        ADD COLUMN is_quote_quantity BOOLEAN DEFAULT false NOT NULL,
        ADD COLUMN quantity_source VARCHAR DEFAULT 'REPORTED' NOT NULL,
        ADD COLUMN exec_spawn_id VARCHAR,
        ADD COLUMN spawned_qty NUMERIC,
        ADD COLUMN mismatched BOOLEAN DEFAULT false NOT NULL,
        ADD CONSTRAINT orders_spawned_qty_finite CHECK (spawned_qty > '-Infinity' AND spawned_qty < 'Infinity'),
        ADD CONSTRAINT orders_quantity_source_known CHECK (quantity_source IN ('REPORTED', 'INFERRED', 'UNKNOWN')),
        DROP CONSTRAINT orders_side_known,
        ADD CONSTRAINT orders_side_known CHECK (side IN ('BUY', 'SELL', 'NO_ORDER_SIDE')),
        DROP CONSTRAINT orders_order_type_known,
        ADD CONSTRAINT orders_order_type_known CHECK (order_type IN ('MARKET', 'LIMIT', 'STOP_MARKET', 'STOP_LIMIT',
            'MARKET_TO_LIMIT', 'MARKET_IF_TOUCHED', 'LIMIT_IF_TOUCHED', 'TRAILING_STOP_MARKET', 'TRAILING_STOP_LIMIT',
            'UNKNOWN')),
        DROP CONSTRAINT orders_time_in_force_known,
        ADD CONSTRAINT orders_time_in_force_known CHECK (time_in_force IN ('GTC', 'IOC', 'FOK', 'GTD', 'DAY',
            'AT_THE_OPEN', 'AT_THE_CLOSE', 'UNKNOWN'))
    """,
    """
    CREATE INDEX orders_spawned ON orders (strategy_id, exec_spawn_id, client_order_id)
    WHERE exec_spawn_id IS NOT NULL
    """,
    """
    ALTER TABLE fills
        ADD COLUMN repeat_id UUID DEFAULT '00000000-0000-0000-0000-000000000000' NOT NULL,
        DROP CONSTRAINT fills_trade,
        ADD CONSTRAINT fills_trade
            UNIQUE (strategy_id, client_order_id, trade_id, instrument_id, account_id, repeat_id)
    """,
    """
    CREATE TABLE quarantine_resolutions (
        strategy_id UUID NOT NULL,
        event_id UUID NOT NULL,
        variant SMALLINT NOT NULL,
        action VARCHAR NOT NULL,
        reason VARCHAR NOT NULL,
        actor VARCHAR NOT NULL,
        ts BIGINT NOT NULL,
        PRIMARY KEY (strategy_id, event_id, variant),
        CONSTRAINT quarantine_resolutions_action_known CHECK (action IN ('ACCEPT', 'DISMISS'))
    )
    """,
    """
    CREATE TABLE outdated_orders (
        strategy_id UUID NOT NULL,
        client_order_id VARCHAR NOT NULL,
        PRIMARY KEY (strategy_id, client_order_id)
    )
    """,
    # Orders that the rules of this release fold otherwise; the service does it before it starts.
    """
    INSERT INTO outdated_orders (strategy_id, client_order_id)
    SELECT strategy_id, client_order_id FROM quarantined_events WHERE variant = 0
    UNION SELECT strategy_id, client_order_id FROM orders
    WHERE filled_qty <> 0 AND status IN ('INITIALIZED', 'EMULATED', 'RELEASED')
    UNION SELECT strategy_id, client_order_id FROM order_events
    WHERE type = 'OrderInitialized' AND (
        payload->'quote_quantity' = 'true' OR jsonb_typeof(payload->'exec_algorithm_id') = 'string'
        OR jsonb_typeof(payload->'exec_spawn_id') = 'string')
    UNION SELECT o.strategy_id, o.client_order_id FROM fills f JOIN orders o USING (strategy_id, client_order_id)
    WHERE f.side <> o.side OR f.instrument_id <> o.instrument_id
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
