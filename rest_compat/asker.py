"""Who asks, as an argument of a path's endpoint; filled in by `ExactRoute`."""

from typing import Annotated

from fastapi import Depends

from app.principal import Principal


def _never() -> None:
    """What FastAPI sees instead, which would take the argument for a parameter of the path."""


Asker = Annotated[Principal, Depends(_never)]
