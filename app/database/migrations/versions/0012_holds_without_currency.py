"""To find the orders whose instruments were not known, once they are.

Revision ID: 0012
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX holds_without_currency ON holds (strategy_id, client_order_id) WHERE currency IS NULL")


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
