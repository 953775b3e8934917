"""Records one batch of engine events in one transaction."""
