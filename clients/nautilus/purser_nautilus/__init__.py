"""Reports a NautilusTrader engine to Purser, and asks Purser before an order leaves."""
