"""What execution carries for its resolvers: `info.context`, as Strawberry calls it."""

from typing import NamedTuple

from app.principal import Principal
from app.resolvers import Context


class Caller(NamedTuple):
    """The process's means to answer, and who asks: the first two arguments of every resolver."""

    context: Context
    principal: Principal
