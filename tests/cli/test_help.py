"""The command line is parsed without loading the commands' modules."""

import subprocess
import sys

HEAVY = ("asyncpg", "fastapi", "pydantic", "sqlalchemy", "sqlmodel", "strawberry", "uvicorn")
_LOADED = f"import sys, app.cli; print(*[name for name in {HEAVY} if name in sys.modules])"


def test_help_loads_no_database_and_no_web_framework() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
