"""Authentication: from a request, over HTTP or WebSocket, to its principal.

middleware ──(key, address)──> authentication ──> keyring (in memory, from the database), throttle
     └──(principal, or an error)──> principal_of ──> GraphQL, REST ──> resolvers
"""

from app.authentication.authentication import Authentication
from app.authentication.hosts import LocalNames, is_loopback_only
from app.authentication.keyring import Keyring
from app.authentication.middleware import AuthenticationMiddleware, address_of, principal_of
from app.authentication.refusals import status_of
from app.authentication.throttle import Throttle

__all__ = [
    "Authentication",
    "AuthenticationMiddleware",
    "Keyring",
    "LocalNames",
    "Throttle",
    "address_of",
    "is_loopback_only",
    "principal_of",
    "status_of",
]
