"""The programs in `examples/`, against a served Purser."""
