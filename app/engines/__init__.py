"""Trading engines, one folder each. They translate the engine's messages into the ledger's events."""
