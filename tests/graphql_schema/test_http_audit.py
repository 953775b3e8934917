"""The audits of GraphQL over HTTP, by npm's `graphql-http`, against a running server."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.graphql_schema.service import running

AUDIT = Path(__file__).with_name("audit")
# The node that `make setup` installs, if it did; else the machine's.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
NODE, NPM = (shutil.which(program, path=PATH) for program in ("node", "npm"))
AUDITS = 61


@pytest.mark.skipif(NODE is None or NPM is None, reason="there is no node, or no npm")
def test_every_audit_of_graphql_over_http_passes(ledger_url: str) -> None:
    install()
    with running(ledger_url) as address:
        done = subprocess.run(
            [str(NODE), "audit.js", f"{address}/graphql"],
            cwd=AUDIT,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
    found = json.loads(done.stdout)
    assert [audit for audit in found if audit["status"] != "ok"] == []
    assert len(found) == AUDITS


def install() -> None:
    """What package-lock.json has, once."""
    installed = AUDIT / "node_modules" / ".package-lock.json"
    lock = AUDIT / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(
            [str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=AUDIT,
            check=True,
            capture_output=True,
            env=os.environ | {"PATH": PATH},
            timeout=300,
        )
        installed.touch()
