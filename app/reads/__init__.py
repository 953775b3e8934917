"""The read side: a selection becomes one SQL statement becomes response bytes.

    API ──(ReadQuery, values)──> resolver ──(entity)──> compiled.answer ──> compiler ──> PostgreSQL ──> bytes

`query` has no values, so queries that differ in values alone share one compiled statement;
`catalogue` says how each field, filter and order of each entity becomes SQL.
"""
