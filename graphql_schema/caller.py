"""The context value of an execution: `info.context`."""

from typing import NamedTuple, TypeAlias

import strawberry

from app.principal import Principal
from app.resolvers import Context


class Caller(NamedTuple):
    """The process's means to answer, and the principal that sent the request: the first arguments of every resolver."""

    context: Context
    principal: Principal


Info: TypeAlias = strawberry.Info[Caller, None]
