"""Limits on what a request may ask for, cheapest first; each has a code of its own. `app.settings` has their values.

    body       bytes, while they arrive                             BODY_TOO_LARGE
    documents.py, by the parser                                     TOO_MANY_TOKENS
    shape      depth, aliases, directives, fields of a document,    QUERY_TOO_DEEP, TOO_MANY_ALIASES,
               its fragments spread, before it is validated         TOO_MANY_DIRECTIVES, TOO_MANY_FIELDS
    variables  objects and lists in the variables of a query        BAD_REQUEST
    cost       rows of an operation with its variables              PAGE_TOO_LARGE, COST_EXCEEDED

How long a statement may run is PostgreSQL's to watch: `statement_timeout`, TIMEOUT. How long all statements of a query
may run is watched by `application.py`.
"""
