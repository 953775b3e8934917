"""What a hold was topped up by is a part of its amount: amount = remaining + captured + voided.

Revision ID: 0011
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE holds
        DROP CONSTRAINT holds_balanced,
        DROP CONSTRAINT holds_currency
    """,
    "UPDATE holds SET amount = amount + top_ups WHERE top_ups <> 0",
    """
    ALTER TABLE holds
        DROP COLUMN top_ups,
        ADD CONSTRAINT holds_balanced CHECK (amount = remaining + captured + voided),
        ADD CONSTRAINT holds_currency CHECK (currency IS NOT NULL OR amount = 0)
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
