"""Every command has a help text, and the command line imports no module that only commands need."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from app.cli.commands import cli

SLOW_MODULES = ("asyncpg", "fastapi", "pydantic", "redis", "sqlalchemy", "sqlmodel", "strawberry", "uvicorn")
_LOADED = f"import sys, app.cli; print(*[name for name in {SLOW_MODULES} if name in sys.modules])"


def test_help_loads_no_database_and_no_web_framework() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


def command_lines(command: object, *words: str) -> Iterator[tuple[str, ...]]:
    """The words that call each command, groups included."""
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_lines(inner, *words, name)


@pytest.mark.parametrize("words", list(command_lines(get_command(cli))), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, [*words, "--help"])
    assert done.exception is None
    assert " ".join(["Usage:", cli.info.name or "", *words]) in done.stdout
