"""What Purser is held against. Run by `make bench` alone, never a dependency of the product."""
