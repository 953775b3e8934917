"""From a key to the principal whose it is."""

from dataclasses import replace

from app.authentication.hosts import LocalNames
from app.authentication.keyring import Keyring
from app.authentication.throttle import Throttle
from app.errors import Forbidden, Unauthenticated
from app.principal import LOCAL, Principal
from app.rules.api_keys import KeyText, read_key


class Authentication:
    """Says who asks. One for each process.

    As long as there never was a key, whoever reaches the service over the loopback is the local admin. Once there
    was one, a key is needed, even if all are revoked by now: losing the last key must not open the service.
    """

    def __init__(self, keyring: Keyring, throttle: Throttle, names: LocalNames, *, is_loopback_only: bool) -> None:
        """`is_loopback_only`: the service cannot be reached from other machines."""
        self._keyring = keyring
        self._throttle = throttle
        self._names = names
        self._is_loopback_only = is_loopback_only

    async def authenticate(self, key: str | None, address: str, request_id: str | None = None) -> Principal:
        """The principal of a key, brought from a network address. Without a key: of who needs none.

        Raises Unauthenticated, TooManyAttempts, DatabaseUnavailable.
        """
        self._keyring.require_fresh()
        if key is not None:
            principal = await self._principal_of(key, address)
        elif self._is_open:
            principal = LOCAL
        else:
            raise Unauthenticated(is_wrong=False)
        return principal if request_id is None else replace(principal, request_id=request_id)

    def is_in_force(self, principal: Principal) -> bool:
        """Whether a principal that was authenticated some time ago still would be: its key may have been revoked."""
        return self._is_open if principal.actor == LOCAL.actor else self._keyring.has(principal.actor)

    def require_local_names(self, host: bytes | None, origin: bytes | None) -> None:
        """Check the headers Host and Origin where everybody is admin. Raises Forbidden.

        A browser always sends Host; Origin is only given where pages from elsewhere could ask: over a WebSocket.
        """
        if not self._keyring.is_empty:
            return
        is_local = host is None or self._names.include(host)
        if not is_local or not (origin is None or self._names.include_origin(origin)):
            raise Forbidden(
                "No API key is in place, so only requests to a name of this machine are answered (localhost, "
                "127.0.0.1). Create a key with purser keys create, or name the host in PURSER_ALLOWED_HOSTS."
            )

    @property
    def _is_open(self) -> bool:
        return self._keyring.is_empty and self._is_loopback_only

    async def _principal_of(self, text: str, address: str) -> Principal:
        """A right key is never throttled: behind one address there may be many who ask."""
        key = read_key(text)
        principal = self._keyring.find(key) if key else None
        if principal is None:
            self._throttle.count(address)
            if key and not self._keyring.knows(key):
                principal = await self._newly_made(key, address)
        if principal is None:
            raise Unauthenticated(is_wrong=True)
        return principal

    async def _newly_made(self, key: KeyText, address: str) -> Principal | None:
        is_wrong = False
        try:
            await self._keyring.read_for_unknown()
            principal = self._keyring.find(key)
            is_wrong = principal is None
            return principal
        finally:
            if not is_wrong:
                self._throttle.forgive(address)
