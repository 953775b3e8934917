"""PostgreSQL: statements, locks, and the mapping of the ledger's values to rows."""
