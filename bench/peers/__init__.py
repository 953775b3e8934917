"""Peers that Purser is compared with. Only `make bench` runs them; the product does not depend on them."""
