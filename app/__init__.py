"""Purser: the operations API for algorithmic trading."""
