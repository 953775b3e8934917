"""A typed client of Purser, synchronous and asynchronous."""
