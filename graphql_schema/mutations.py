"""The root of all acts. Each field is a transaction of its own; several in one document run one after the other.

A refusal that the field's union has a member for is an answer. Every other one stands among the errors; the field is
then null, and so is all data, though fields before it took effect.
"""
# mypy: disable-error-code="no-any-return"
# Strawberry is told the type of the answer; what comes are questions, which the executor answers.

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import strawberry

from app.errors import InputInvalid, PurserError
from app.ledger.commands import AuthorizeOrder
from app.resolvers import authorizations
from graphql_schema.caller import Caller
from graphql_schema.commands import AuthorizeOrderInput, StrategyRef
from graphql_schema.described import argument
from graphql_schema.outcomes import authorized, budget_of, order_of, refused
from graphql_schema.payloads import AuthorizeOrderResult, Conflict, NotFound, OrderReleased, ReleaseOrderResult

Info: TypeAlias = strawberry.Info[Caller, None]


async def _authorize_order(
    info: Info, input: Annotated[AuthorizeOrderInput, argument("The order.")]
) -> AuthorizeOrderResult:
    return await authorize_one(info.context, _command(input))


async def _authorize_orders(
    info: Info, inputs: Annotated[list[AuthorizeOrderInput], argument("The orders, at most 1000.")]
) -> list[AuthorizeOrderResult]:
    return await authorize_all(info.context, [_command(input) for input in inputs])


async def authorize_one(caller: Caller, command: AuthorizeOrder | PurserError) -> Any:
    """The member of `AuthorizeOrderResult` that tells what became of an order."""
    (verdict,) = await authorizations.authorize_orders(*caller, [command])
    return authorized(verdict, "input")


async def authorize_all(caller: Caller, commands: Sequence[AuthorizeOrder | PurserError]) -> list[Any]:
    """One member for each order, in their order."""
    verdicts = await authorizations.authorize_orders(*caller, commands)
    return [authorized(verdict, "inputs", str(place)) for place, verdict in enumerate(verdicts)]


def _command(input: AuthorizeOrderInput) -> AuthorizeOrder | PurserError:
    """What cannot be understood is its own answer, and no other order's."""
    try:
        return input.command()
    except InputInvalid as error:
        return error


async def _release_order(
    info: Info,
    client_order_id: Annotated[str, argument("The engine's id.")],
    strategy: Annotated[StrategyRef, argument("Whose it is.")],
) -> ReleaseOrderResult:
    try:
        strategy_id, currency = await authorizations.release_order(*info.context, strategy.reference(), client_order_id)
    except PurserError as error:
        return refused(error, NotFound, Conflict)
    return OrderReleased(order=order_of(strategy_id, client_order_id), budget=budget_of(strategy_id, currency))


@strawberry.type(description="Everything that can be done.")
class Mutation:
    """Everything that can be done."""

    authorize_order: AuthorizeOrderResult = strawberry.field(
        resolver=_authorize_order,
        description="May this order leave? If so, what it takes is held for it until it is filled or ends. Asked "
        "again with the same input, the answer is the same.",
    )
    authorize_orders: list[AuthorizeOrderResult] = strawberry.field(
        resolver=_authorize_orders,
        description="May these orders leave? Each is decided on its own, in their order; one answer for each, in "
        "their order.",
    )
    release_order: ReleaseOrderResult = strawberry.field(
        resolver=_release_order,
        description="Give up an order that was authorized and never submitted: what is held for it is let go.",
    )
