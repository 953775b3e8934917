"""What a person or a key does to the ledger: each function is one act, inside a transaction of the caller's.

What is so already is left as it is: no row changes, nothing is journaled, nothing audited.
"""
