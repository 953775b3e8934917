"""Who asks, as an argument of a path's endpoint: documented by FastAPI, filled in by `ExactRoute`."""

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from app.principal import Principal

_DESCRIPTION = "A key made by `purser keys create`. As long as there never was one, none is needed."
_BEARER = HTTPBearer(scheme_name="Bearer", description=_DESCRIPTION)
_HEADER = APIKeyHeader(name="X-API-Key", scheme_name="X-API-Key", description=_DESCRIPTION)


def _documented(_: Annotated[None, Security(_BEARER)], __: Annotated[None, Security(_HEADER)]) -> None:
    """Never called: it is what FastAPI describes."""


Asker = Annotated[Principal, Depends(_documented)]
