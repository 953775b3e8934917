"""The REST API for older clients: fixed paths and response schemas. GraphQL covers all of it.

`schemas` documents each response and defines its keys, `queries` declares each path's parameters, and the `*_routes`
bind both to resolvers. Responses are the bytes that PostgreSQL wrote.
"""
