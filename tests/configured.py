"""The application with settings and limits of the test's own."""

from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from app.main import create_app
from app.settings import FixedLimits, Settings


def split(**options: Any) -> tuple[Settings, FixedLimits]:
    """Settings and limits from the options' names."""
    settings = {name: value for name, value in options.items() if name in Settings.model_fields}
    # A session's client does nothing while tests without it run, for minutes perhaps: its keys must not go stale.
    limits = {"keys_stale_seconds_max": 3600.0} | {k: value for k, value in options.items() if k not in settings}
    return Settings(**settings), FixedLimits(**limits)


def configured(url: str, **options: Any) -> FastAPI:
    """The application over the database at `url`."""
    return create_app(*split(database_url=SecretStr(url), **options))
