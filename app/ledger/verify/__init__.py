"""Verifies the ledger: every invariant is recomputed from the database alone. Nothing is repaired: a person decides."""
