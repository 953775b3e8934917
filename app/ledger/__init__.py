"""The write side: engine events become orders, fills, positions and totals."""
