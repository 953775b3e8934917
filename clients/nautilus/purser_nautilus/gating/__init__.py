"""Asks the service before an order leaves the engine."""
