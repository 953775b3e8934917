"""API keys.

Revision ID: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE api_keys (
        key_id VARCHAR NOT NULL,
        name VARCHAR NOT NULL,
        role VARCHAR NOT NULL,
        secret_hash VARCHAR NOT NULL,
        strategy_ids UUID[],
        created_at BIGINT NOT NULL,
        revoked_at BIGINT,
        PRIMARY KEY (key_id),
        UNIQUE (name),
        CONSTRAINT api_keys_role_known CHECK (role IN ('viewer', 'trader', 'admin'))
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
