"""Limits on what one request may ask for, cheapest first; each has a setting and a code of its own.

    body     bytes, while they arrive                             BODY_TOO_LARGE
    documents.py, by the parser                                   TOO_MANY_TOKENS
    shape    depth, aliases, directives, fields of a document,    QUERY_TOO_DEEP, TOO_MANY_ALIASES,
             its fragments spread, before it is validated         TOO_MANY_DIRECTIVES, TOO_MANY_FIELDS
    cost     rows of an operation with its variables              PAGE_TOO_LARGE, COST_EXCEEDED

How long a statement may run is PostgreSQL's to watch: `statement_timeout`, TIMEOUT.
"""
