"""Folds: events become order states, fills become positions, both become totals."""
