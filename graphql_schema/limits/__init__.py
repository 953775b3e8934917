"""Limits on requests, cheapest first; each has a code of its own. `app.settings` has their values.

    http.requests     bytes, while they arrive                            BODY_TOO_LARGE
    (the parser)      tokens                                              TOO_MANY_TOKENS
    document_limits   depth, aliases, directives, fields of a document,   QUERY_TOO_DEEP, TOO_MANY_ALIASES,
                      its fragments spread, before it is validated        TOO_MANY_DIRECTIVES, TOO_MANY_FIELDS
                      objects and lists in the variables of a query       BAD_REQUEST
    cost              rows of an operation with its variables             PAGE_TOO_LARGE, COST_EXCEEDED

PostgreSQL limits the time of one statement (`statement_timeout`), `http.application` that of a whole query: TIMEOUT.
"""
