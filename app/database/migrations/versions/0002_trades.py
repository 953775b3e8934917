"""Kept totals of trades (closed positions), and the way from a signal to its orders.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE trade_totals (
        strategy_id UUID NOT NULL,
        day DATE NOT NULL,
        currency VARCHAR NOT NULL,
        trades BIGINT NOT NULL,
        wins BIGINT NOT NULL,
        losses BIGINT NOT NULL,
        profit NUMERIC NOT NULL,
        loss NUMERIC NOT NULL,
        PRIMARY KEY (strategy_id, day, currency),
        CONSTRAINT trade_totals_profit_finite CHECK (profit > '-Infinity' AND profit < 'Infinity'),
        CONSTRAINT trade_totals_loss_finite CHECK (loss > '-Infinity' AND loss < 'Infinity')
    )
    """,
    """
    INSERT INTO trade_totals (strategy_id, day, currency, trades, wins, losses, profit, loss)
    SELECT strategy_id, (timestamp 'epoch' + (ts_closed / 1000000000) * interval '1 second')::date, currency,
           count(*), count(*) FILTER (WHERE net > 0), count(*) FILTER (WHERE net < 0),
           trim_scale(coalesce(sum(net) FILTER (WHERE net > 0), 0)),
           trim_scale(coalesce(-sum(net) FILTER (WHERE net < 0), 0))
    FROM (SELECT strategy_id, ts_closed, currency, realized_pnl - total_fees AS net FROM positions
          WHERE status = 'CLOSED') trades
    GROUP BY 1, 2, 3
    """,
    """
    CREATE INDEX orders_signal ON orders (signal_id, ts_init, client_order_id, strategy_id)
    WHERE signal_id IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: purser db restore.")
