"""Authentication: from a request, over HTTP or WebSocket, to its principal.

middleware ──(key, address)──> authentication ──> keyring (in memory, from the database), throttle
     └──(principal, or an error)──> principal_of ──> GraphQL, REST ──> resolvers
"""
