"""The examples of purser_client in docs/clients.md work as printed, in order."""

import subprocess
import sys

from tests.documentation import ROOT, blocks_of
from tests.graphql_schema.service import running

PAGE = (ROOT / "docs" / "clients.md").read_text().partition("\n## TypeScript")[0]
EXAMPLES = [block.text for block in blocks_of(PAGE) if block.language == "python"]


def test_the_examples_print_what_they_should(database_url: str) -> None:
    with running(database_url) as address:
        printed = [_run(example.replace("http://127.0.0.1:8000", address)) for example in EXAMPLES]
    (authorized, stored), (recorded, changed) = (output.splitlines() for output in printed)
    assert authorized == "authorized now"
    assert stored.startswith("D-1 300.00 20")
    assert recorded == "696 new, 152 known, 0 refused"
    assert changed.startswith("O-")


def test_the_examples_are_short() -> None:
    assert len(EXAMPLES) == 2
    assert max(len(example.strip().splitlines()) for example in EXAMPLES) <= 28


def _run(example: str) -> str:
    command = [sys.executable, "-W", "error", "-c", example]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
