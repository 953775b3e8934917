"""The caller of a resolver: its role, and the strategies it is restricted to."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.errors import Forbidden


class Role(StrEnum):
    """The permissions of a principal; each role includes those before it."""

    VIEWER = "viewer"
    """May read."""
    TRADER = "trader"
    """May also record engine events and authorize orders."""
    ADMIN = "admin"
    """May also set budgets and trading states."""

    def includes(self, other: "Role") -> bool:
        """Whether this role has all permissions of the other."""
        return _ROLES.index(self) >= _ROLES.index(other)


_ROLES = tuple(Role)


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller. `actor` is its name in the audit log: `key:NAME`, or `local` without a key.

    `strategy_ids` None: all strategies, future ones included. `request_id`: the client's X-Request-ID, if any.
    """

    role: Role
    actor: str
    strategy_ids: frozenset[UUID] | None = None
    request_id: str | None = None

    @property
    def is_bound(self) -> bool:
        """Whether the principal is restricted to some strategies."""
        return self.strategy_ids is not None

    def require(self, role: Role) -> None:
        """Raises Forbidden unless the principal's role includes this one."""
        if not self.role.includes(role):
            raise Forbidden(f"This requires the role {role}; the key has the role {self.role}.")

    def require_strategy(self, strategy_id: UUID) -> None:
        """Raises Forbidden unless the principal may act for the strategy, whether or not it exists."""
        if self.strategy_ids is not None and strategy_id not in self.strategy_ids:
            raise Forbidden(f"The key is not for the strategy {strategy_id}.")

    def require_all_strategies(self) -> None:
        """Raises Forbidden for a principal that is restricted to some strategies."""
        if self.is_bound:
            raise Forbidden("This concerns all strategies; the key is restricted to some.")


LOCAL = Principal(Role.ADMIN, "local")
"""Every client of a service that has no API key and listens on loopback only."""
