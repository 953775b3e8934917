"""Who calls: with which role, and for which strategies. Every resolver is told, and asks it what is allowed."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.errors import Forbidden


class Role(StrEnum):
    """What a principal may do; each role includes those before it."""

    VIEWER = "viewer"
    """Reads."""
    TRADER = "trader"
    """Records what an engine did, and asks for authorization."""
    ADMIN = "admin"
    """Sets budgets and trading states."""

    def includes(self, other: "Role") -> bool:
        """Whether this role may do all that the other may."""
        return _ROLES.index(self) >= _ROLES.index(other)


_ROLES = tuple(Role)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request comes from. `actor` is how the audit log names it: `key:NAME`, or `local` without any key.

    `strategy_ids` None: all strategies, those to come included. `request_id` is the client's own, where it sent one.
    """

    role: Role
    actor: str
    strategy_ids: frozenset[UUID] | None = None
    request_id: str | None = None

    @property
    def is_bound(self) -> bool:
        """Whether it sees and acts for some strategies only."""
        return self.strategy_ids is not None

    def require(self, role: Role) -> None:
        """Raises Forbidden unless the principal's role includes this one."""
        if not self.role.includes(role):
            raise Forbidden(f"This takes the role {role}; the key has the role {self.role}.")

    def require_strategy(self, strategy_id: UUID) -> None:
        """Raises Forbidden unless the principal may act for the strategy, whether or not there is one of that id."""
        if self.strategy_ids is not None and strategy_id not in self.strategy_ids:
            raise Forbidden(f"The key is not for the strategy {strategy_id}.")

    def require_all_strategies(self) -> None:
        """Raises Forbidden for a principal that is bound to strategies: what is asked for concerns all of them."""
        if self.is_bound:
            raise Forbidden("This concerns all strategies; the key is only for some.")


LOCAL = Principal(Role.ADMIN, "local")
"""Whoever asks a service that has no key in place and listens on loopback only."""
