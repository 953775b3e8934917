"""The database: embedded server, connections, unit of work, migrations."""

from app.database.connections import Database, PoolLimits, ReadConnection, WriteConnection

__all__ = ["Database", "PoolLimits", "ReadConnection", "WriteConnection"]
