"""The commands and queries of the README and its pages work as printed, in order, against the demonstration."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_serve import Service, serving
from tests.documentation import BLOCKS, ROOT

REFUSED = ('"errors":', '{"detail"', "Conflict", "NotFound", "InvalidInput")


@pytest.fixture
def directory() -> Iterator[Path]:
    """The checkout with its virtual environment, as a reader has it."""
    with tempfile.TemporaryDirectory(prefix="purser-readme-") as name:
        Path(name, ".venv").symlink_to(sys.prefix)
        Path(name, "tests").symlink_to(ROOT / "tests")
        yield Path(name)


@pytest.mark.skipif(not shutil.which("curl"), reason="README's commands need curl: apt-get install curl.")
def test_commands_and_queries_work_as_printed(directory: Path, free_tcp_port: int) -> None:
    printed = ""
    ran: set[str] = set()
    with serving(directory / ".purser", free_tcp_port, "--demo") as service:
        service.until_ready()
        for block in BLOCKS:
            if block.language == "sh":
                printed = run_pasted(block.text, directory, free_tcp_port)
            elif block.language == "graphql":
                execute_query(service, block.text)
                printed = ""
            elif block.language == "text" and printed:
                for part in block.text.split("..."):
                    assert without_spaces(part) in without_spaces(printed), part
            ran.add(block.language)
    assert ran >= {"sh", "graphql", "text"}


def run_pasted(text: str, directory: Path, port: int) -> str:
    """Runs commands. Returns their output; their exit status is 0, and no response is an error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PURSER_")}
    path = f"{directory / '.venv' / 'bin'}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text.replace(":8000", f":{port}")],
        cwd=directory,
        env=environment | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    assert [one for one in REFUSED if one in done.stdout] == [], f"{text}\n{done.stdout}"
    return done.stdout


def execute_query(service: Service, document: str) -> None:
    """Executes a query, which must return data; tests/graphql_schema runs those with `resolveQuarantine`."""
    if not document.startswith("subscription") and "resolveQuarantine" not in document:
        data = json.dumps(service.ask(document))
        assert [one for one in REFUSED if one in data] == [], f"{document}\n{data}"


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)
