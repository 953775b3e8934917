"""To find orders whose instruments were not known, once they are; and orders that are folded otherwise now.

An event that was applied late set the order's last instant back, so an older amendment could overwrite a newer one.

Revision ID: 0012
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


_STATEMENTS = (
    "CREATE INDEX holds_without_currency ON holds (strategy_id, client_order_id) WHERE currency IS NULL",
    """
    INSERT INTO outdated_orders (strategy_id, client_order_id)
    SELECT strategy_id, client_order_id FROM orders o WHERE EXISTS (
        SELECT FROM order_events e LEFT JOIN quarantined_events q USING (strategy_id, event_id, variant)
        WHERE e.strategy_id = o.strategy_id AND e.client_order_id = o.client_order_id AND e.variant = 0
        AND q.event_id IS NULL AND e.type LIKE 'Order%' AND e.ts_init > o.last_ts_init
    ) ON CONFLICT DO NOTHING
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
