"""The application with a test's own settings and limits."""

from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from app.main import create_app
from app.settings import FixedLimits, Settings


def split_options(**options: Any) -> tuple[Settings, FixedLimits]:
    """Settings and limits, each option assigned by its name."""
    settings = {name: value for name, value in options.items() if name in Settings.model_fields}
    # The client of a session-wide fixture may be idle for minutes while other tests run: its keys must not go
    # stale.
    limits = {"keys_stale_seconds_max": 3600.0} | {k: value for k, value in options.items() if k not in settings}
    return Settings(**settings), FixedLimits(**limits)


def create_test_app(url: str, **options: Any) -> FastAPI:
    """The application over the database at `url`."""
    return create_app(*split_options(database_url=SecretStr(url), **options))
