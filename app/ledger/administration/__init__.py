"""Administrative changes. Each function makes one, inside a transaction of the caller.

A function that would change nothing writes nothing: no row, no journal entry, no audit entry.
"""
