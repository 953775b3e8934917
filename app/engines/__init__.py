"""Trading engines, a folder each: their messages, translated into the ledger's events."""
