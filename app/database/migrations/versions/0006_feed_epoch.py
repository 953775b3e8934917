"""The epoch of the change feed.

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "CREATE TABLE feed_epoch (epoch UUID NOT NULL, PRIMARY KEY (epoch))",
    "INSERT INTO feed_epoch (epoch) VALUES (gen_random_uuid())",
    # Of a backup that was taken on another server: they would wait for its transactions.
    "UPDATE changes SET xid = pg_current_xact_id() WHERE xid > pg_current_xact_id()",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
