"""The write side: turns engine events into orders, fills, positions and totals."""
