"""Holds: the capital that open orders and positions reserve from budgets."""
