"""Authorizing orders, and releasing those that were never submitted."""

from collections.abc import Sequence
from time import time_ns
from uuid import UUID

from app.errors import PurserError
from app.ledger.authorization.decision_state import Request
from app.ledger.authorization.release import Released
from app.ledger.authorization.release import release_order as _release
from app.ledger.commands import AuthorizeOrder, StrategyRef, Verdict
from app.principal import Principal, Role
from app.resolvers.context import Context, transaction
from app.resolvers.strategies import resolve


async def authorize_orders(
    context: Context, principal: Principal, commands: Sequence[AuthorizeOrder | PurserError]
) -> list[Verdict | PurserError]:
    """Authorize each order on its own, in order. A `PurserError` among the commands is that order's answer.

    Raises Forbidden, Busy, DatabaseUnavailable; after the last two, repeating the request is safe.
    """
    principal.require(Role.TRADER)
    answers = [
        command if isinstance(command, PurserError) else await _request(context, principal, command)
        for command in commands
    ]
    requests = [answer for answer in answers if isinstance(answer, Request)]
    verdicts = iter(await context.group_commit.authorize(requests) if requests else ())
    return [next(verdicts) if isinstance(answer, Request) else answer for answer in answers]


async def _request(context: Context, principal: Principal, command: AuthorizeOrder) -> Request | PurserError:
    try:
        strategy_id = await resolve(context, principal, command.strategy, is_remembered=True)
    except PurserError as error:
        return error
    return Request(strategy_id, command, principal.actor)


async def release_order(
    context: Context, principal: Principal, strategy: StrategyRef, client_order_id: str
) -> tuple[UUID, Released]:
    """Release an order that was never submitted: its hold is voided. Returns its strategy and the release.

    A repeated request gets the same answer, marked as repeated. Raises Forbidden, StrategyNotFound, OrderNotFound,
    OrderNotReleasable, Busy.
    """
    principal.require(Role.TRADER)
    strategy_id = await resolve(context, principal, strategy)
    async with transaction(context) as work:
        return strategy_id, await _release(work, principal, str(strategy_id), client_order_id, time_ns())
