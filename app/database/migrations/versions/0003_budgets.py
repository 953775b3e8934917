"""Budgets, holds and the journal; what is tied up by what is open already.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE budget_journal (
        strategy_id UUID NOT NULL,
        currency VARCHAR NOT NULL,
        version BIGINT NOT NULL,
        ts BIGINT NOT NULL,
        reason VARCHAR NOT NULL,
        client_order_id VARCHAR,
        allocated_before NUMERIC NOT NULL,
        allocated_after NUMERIC NOT NULL,
        reserved_before NUMERIC NOT NULL,
        reserved_after NUMERIC NOT NULL,
        PRIMARY KEY (strategy_id, currency, version),
        CONSTRAINT budget_journal_allocated_before_finite CHECK (allocated_before > '-Infinity' AND
            allocated_before < 'Infinity'),
        CONSTRAINT budget_journal_allocated_after_finite CHECK (allocated_after > '-Infinity' AND
            allocated_after < 'Infinity'),
        CONSTRAINT budget_journal_reserved_before_finite CHECK (reserved_before > '-Infinity' AND
            reserved_before < 'Infinity'),
        CONSTRAINT budget_journal_reserved_after_finite CHECK (reserved_after > '-Infinity' AND
            reserved_after < 'Infinity')
    )
    """,
    """
    CREATE TABLE budgets (
        strategy_id UUID NOT NULL,
        currency VARCHAR NOT NULL,
        allocated NUMERIC,
        reserved_orders NUMERIC DEFAULT 0 NOT NULL,
        reserved_positions NUMERIC DEFAULT 0 NOT NULL,
        over_reason VARCHAR,
        version BIGINT DEFAULT '0' NOT NULL,
        created_at BIGINT,
        updated_at BIGINT NOT NULL,
        PRIMARY KEY (strategy_id, currency),
        CONSTRAINT budgets_allocated_finite CHECK (allocated > '-Infinity' AND allocated < 'Infinity'),
        CONSTRAINT budgets_reserved_orders_finite CHECK (reserved_orders > '-Infinity' AND
            reserved_orders < 'Infinity'),
        CONSTRAINT budgets_reserved_positions_finite CHECK (reserved_positions > '-Infinity' AND
            reserved_positions < 'Infinity'),
        CONSTRAINT budgets_allocated_not_negative CHECK (allocated >= 0),
        CONSTRAINT budgets_reserved_orders_not_negative CHECK (reserved_orders >= 0),
        CONSTRAINT budgets_reserved_positions_not_negative CHECK (reserved_positions >= 0),
        CONSTRAINT budgets_created CHECK ((allocated IS NULL) = (created_at IS NULL)),
        CONSTRAINT budgets_over CHECK ((over_reason IS NOT NULL) = coalesce(reserved_orders +
            reserved_positions > allocated, false)),
        CONSTRAINT budgets_over_reason_known CHECK (over_reason IN ('CUT', 'FILL'))
    )
    """,
    """
    CREATE TABLE holds (
        strategy_id UUID NOT NULL,
        client_order_id VARCHAR NOT NULL,
        currency VARCHAR,
        unit_price NUMERIC NOT NULL,
        reference_price NUMERIC,
        amount NUMERIC DEFAULT 0 NOT NULL,
        top_ups NUMERIC DEFAULT 0 NOT NULL,
        remaining NUMERIC DEFAULT 0 NOT NULL,
        captured NUMERIC DEFAULT 0 NOT NULL,
        voided NUMERIC DEFAULT 0 NOT NULL,
        PRIMARY KEY (strategy_id, client_order_id),
        CONSTRAINT holds_amount_finite CHECK (amount > '-Infinity' AND amount < 'Infinity'),
        CONSTRAINT holds_top_ups_finite CHECK (top_ups > '-Infinity' AND top_ups < 'Infinity'),
        CONSTRAINT holds_remaining_finite CHECK (remaining > '-Infinity' AND remaining < 'Infinity'),
        CONSTRAINT holds_captured_finite CHECK (captured > '-Infinity' AND captured < 'Infinity'),
        CONSTRAINT holds_voided_finite CHECK (voided > '-Infinity' AND voided < 'Infinity'),
        CONSTRAINT holds_unit_price_finite CHECK (unit_price > '-Infinity' AND unit_price < 'Infinity'),
        CONSTRAINT holds_reference_price_finite CHECK (reference_price > '-Infinity' AND reference_price
            < 'Infinity'),
        CONSTRAINT holds_amount_not_negative CHECK (amount >= 0),
        CONSTRAINT holds_top_ups_not_negative CHECK (top_ups >= 0),
        CONSTRAINT holds_remaining_not_negative CHECK (remaining >= 0),
        CONSTRAINT holds_captured_not_negative CHECK (captured >= 0),
        CONSTRAINT holds_voided_not_negative CHECK (voided >= 0),
        CONSTRAINT holds_balanced CHECK (amount + top_ups = remaining + captured + voided),
        CONSTRAINT holds_currency CHECK (currency IS NOT NULL OR amount + top_ups = 0)
    )
    """,
    "ALTER TABLE orders ADD COLUMN authorization_status VARCHAR",
    """
    ALTER TABLE orders ADD CONSTRAINT orders_authorization_status_known CHECK (authorization_status IN
        ('GRANTED', 'DENIED', 'RELEASED', 'OVERRULED'))
    """,
    """
    CREATE INDEX orders_open ON orders (instrument_id, strategy_id, ts_init, client_order_id)
    WHERE status NOT IN ('CANCELED', 'DENIED', 'EXPIRED', 'FILLED', 'REJECTED')
    """,
    "CREATE INDEX positions_open ON positions (strategy_id, instrument_id) WHERE status = 'OPEN'",
    # What `rules.holds` computes for the orders and positions that are open by now.
    """
    INSERT INTO holds (strategy_id, client_order_id, currency, unit_price, reference_price, amount, remaining)
    SELECT strategy_id, client_order_id, currency, unit_price, last_px, amount, amount
    FROM (
        SELECT o.strategy_id, o.client_order_id, i.settlement_currency AS currency, o.unit_price, o.last_px,
               CASE WHEN o.reduce_only OR i.multiplier IS NULL THEN 0 ELSE trim_scale(o.unit_price * i.multiplier
                    * (o.leaves - least(o.leaves, greatest(coalesce(p.held, 0) - o.claimed, 0)))) END AS amount
        FROM (
            SELECT orders.*, last_px, abs(coalesce(price, trigger_price, last_px, 0)) AS unit_price, leaves,
                   coalesce(sum(leaves) OVER (PARTITION BY strategy_id, instrument_id, side
                            ORDER BY ts_init, client_order_id COLLATE "C"
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS claimed
            FROM orders
            CROSS JOIN LATERAL (SELECT greatest(quantity - filled_qty, 0) AS leaves) l
            LEFT JOIN LATERAL (
                SELECT last_px FROM fills WHERE fills.instrument_id = orders.instrument_id
                AND orders.price IS NULL AND orders.trigger_price IS NULL
                ORDER BY ts_event DESC, event_id DESC LIMIT 1
            ) f ON true
            WHERE status NOT IN ('CANCELED', 'DENIED', 'EXPIRED', 'FILLED', 'REJECTED')
        ) o
        LEFT JOIN instruments i USING (instrument_id)
        LEFT JOIN (
            SELECT strategy_id, instrument_id, sum(abs(signed_qty)) AS held,
                   CASE entry WHEN 'BUY' THEN 'SELL' ELSE 'BUY' END AS side
            FROM positions WHERE status = 'OPEN' GROUP BY 1, 2, 4
        ) p USING (strategy_id, instrument_id, side)
    ) valued
    """,
    """
    INSERT INTO budgets (strategy_id, currency, reserved_orders, reserved_positions, updated_at)
    SELECT strategy_id, currency, trim_scale(sum(orders)), trim_scale(sum(positions)),
           (extract(epoch FROM now()) * 1000000000)::bigint
    FROM (
        SELECT strategy_id, currency, remaining AS orders, 0 AS positions FROM holds WHERE remaining > 0
        UNION ALL
        SELECT strategy_id, coalesce(settlement_currency, currency), 0, abs(cost) FROM positions
        LEFT JOIN instruments USING (instrument_id) WHERE status = 'OPEN'
    ) tied GROUP BY 1, 2
    """,
    "INSERT INTO changes (strategy_id, entity, key) SELECT strategy_id, 'budget', currency FROM budgets",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
