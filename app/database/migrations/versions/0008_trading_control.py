"""The state of all trading, beside each strategy's own.

Revision ID: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE trading_control (
        scope VARCHAR NOT NULL,
        state VARCHAR DEFAULT 'ACTIVE' NOT NULL,
        since BIGINT,
        actor VARCHAR,
        PRIMARY KEY (scope),
        CONSTRAINT trading_control_scope_known CHECK (scope = 'ALL'),
        CONSTRAINT trading_control_state_known CHECK (state IN ('ACTIVE', 'REDUCING', 'HALTED'))
    )
    """,
    "INSERT INTO trading_control (scope) VALUES ('ALL')",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
