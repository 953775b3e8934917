"""Administrative acts. Each function is one act, inside a transaction of the caller.

An act that would change nothing writes nothing: no row, no journal entry, no audit entry.
"""
