"""PostgreSQL: statements for one row or many, locks, and how ledger values become rows."""
