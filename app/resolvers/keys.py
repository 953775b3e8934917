"""API keys. Only admins that are bound to no strategies deal in them."""

from collections.abc import Sequence

from app.ledger.administration import keys
from app.ledger.administration.keys import KeyRecord
from app.principal import Principal, Role
from app.resolvers.context import Context, transaction
from app.rules.api_keys import KeyText


async def create_key(
    context: Context, principal: Principal, role: Role, name: str | None = None, strategies: Sequence[str] = ()
) -> KeyText:
    """A new key: the only time that its text is seen. Without strategies it is for all of them.

    Raises Forbidden, BadInputError, KeyNameTaken, StrategyNotFound, StrategyAmbiguous.
    """
    _require_rights(principal)
    async with transaction(context) as work:
        return await keys.create(work, principal, role, name, strategies)


async def list_keys(context: Context, principal: Principal) -> list[KeyRecord]:
    """Every key there ever was, the oldest first. Raises Forbidden."""
    _require_rights(principal)
    async with context.database.read() as connection:
        return await keys.list_all(connection)


async def revoke_key(context: Context, principal: Principal, key: str, *, by_name: bool = False) -> bool:
    """Revoke the key of this id, or of this name; False where it was revoked before. Raises Forbidden, KeyNotFound."""
    _require_rights(principal)
    async with transaction(context) as work:
        return await keys.revoke(work, principal, key, by_name=by_name) is not None


def _require_rights(principal: Principal) -> None:
    principal.require(Role.ADMIN)
    principal.require_all_strategies()
