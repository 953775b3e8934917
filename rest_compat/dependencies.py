"""The calling principal as an endpoint's argument: documented by FastAPI, filled in by `StrictRoute`."""

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from app.principal import Principal

_DESCRIPTION = "A key created by `purser keys create`. Not required until the first key exists."
_BEARER = HTTPBearer(scheme_name="Bearer", description=_DESCRIPTION)
_HEADER = APIKeyHeader(name="X-API-Key", scheme_name="X-API-Key", description=_DESCRIPTION)


def _documented(_: Annotated[None, Security(_BEARER)], __: Annotated[None, Security(_HEADER)]) -> None:
    """Never called: FastAPI only describes it."""


Caller = Annotated[Principal, Depends(_documented)]
