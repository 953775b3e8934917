"""The help of the command line imports no module that only commands need."""

import subprocess
import sys

SLOW_MODULES = ("asyncpg", "fastapi", "pydantic", "redis", "sqlalchemy", "sqlmodel", "strawberry", "uvicorn")
_LOADED = f"import sys, app.cli; print(*[name for name in {SLOW_MODULES} if name in sys.modules])"


def test_help_loads_no_database_and_no_web_framework() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
