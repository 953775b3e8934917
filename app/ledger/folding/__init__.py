"""Folds events into order states, fills into positions, and both into totals."""
