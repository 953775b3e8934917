"""What a flip left of a fill is stored before a fee in the base currency is taken off, not after.

And such fees are taken off no inverse position.

Where both differ, the instruments are listed in `pending_revaluations`: the next start computes them anew.

Revision ID: 0010
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

FIND_NET_FLIPS = """
INSERT INTO pending_revaluations
SELECT DISTINCT f.instrument_id FROM fills f JOIN strategies s ON s.strategy_id = f.strategy_id
JOIN instruments i ON i.instrument_id = f.instrument_id
WHERE s.deducts_base_fees AND (f.flip_qty <> 0 OR i.is_inverse)
AND f.commission <> 0 AND f.commission_currency <> f.currency
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.execute(FIND_NET_FLIPS)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
