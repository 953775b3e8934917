"""The TypeScript examples of docs/clients.md, in a project in which the built package is installed."""

import asyncio
import itertools
import json
import os
import re
from pathlib import Path

import httpx
import pytest

from tests.clients.typescript.conftest import COMPILER, NODE, ROOT, RunNode

pytestmark = pytest.mark.anyio

TEXT = (ROOT / "docs" / "clients.md").read_text()
EXAMPLES = dict(re.findall(r"^### ([^\n]+)\n.*?^```ts\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
URL = "http://127.0.0.1:8000/graphql"
ANSWER_SECONDS_MAX = 60
COMPILER_OPTIONS = {
    "strict": True,
    "noEmit": True,
    "target": "es2023",
    "lib": ["es2023", "dom"],
    "module": "nodenext",
    "types": ["node"],
    "skipLibCheck": True,
}
PREPARE = """mutation {
    registerStrategy(traderId: "TRADER-001", name: "EMACross-000") { __typename }
    setBudget(strategy: {name: "EMACross-000"}, currency: "USDT", allocated: "100000") { __typename }
}"""
CHANGE = """mutation ($allocated: Decimal!) {
    setBudget(strategy: {name: "EMACross-000"}, currency: "USDT", allocated: $allocated) { __typename }
}"""
PRINTED = {
    "Plain fetch": ["submit it; 32000.050 USDT is held", "[ 'O-20260301-1 0.5 INITIALIZED' ]"],
    "graphql-ws": ["changed: USDT "],
    "Apollo Client 4": ["orders: 0", "changed: USDT "],
    "urql with graphcache": ["orders: 0", "changed: USDT "],
    "Relay": [],
}
"""What the lines that each example prints begin with; Relay's only makes an environment."""


def test_every_example_is_known() -> None:
    assert list(EXAMPLES) == list(PRINTED)


def test_the_examples_have_no_type_errors(run_node: RunNode, project: Path) -> None:
    for number, example in enumerate(EXAMPLES.values()):
        (project / f"example{number}.ts").write_text(example)
    config = {"compilerOptions": COMPILER_OPTIONS, "include": ["example*.ts"]}
    (project / "tsconfig.json").write_text(json.dumps(config))
    done = run_node(COMPILER, "--project", project, cwd=project)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", PRINTED)
async def test_the_example_runs(project: Path, service: str, admin_key: str, name: str) -> None:
    assert URL in EXAMPLES[name]
    path = project / f"{name.replace(' ', '_')}.ts"
    path.write_text(EXAMPLES[name].replace(URL, f"{service}/graphql"))
    async with httpx.AsyncClient(base_url=service, headers={"X-API-Key": admin_key}) as http:
        await execute(http, PREPARE)
        process = await asyncio.create_subprocess_exec(
            NODE,
            path,
            env=os.environ | {"PURSER_KEY": admin_key, "NODE_NO_WARNINGS": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await until_printed(process, PRINTED[name], http)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def until_printed(process: asyncio.subprocess.Process, wanted: list[str], http: httpx.AsyncClient) -> None:
    """Changes a budget until the example has printed these lines; one that prints none ends by itself."""
    reading = asyncio.create_task(read_lines(process, wanted))
    for amount in itertools.count(100_001):
        if (await asyncio.wait([reading], timeout=0.1))[0]:
            break
        await execute(http, CHANGE, allocated=str(amount))
    await reading
    if not wanted:
        assert await process.wait() == 0


async def read_lines(process: asyncio.subprocess.Process, wanted: list[str]) -> None:
    assert process.stdout is not None
    printed: list[str] = []
    while not all(any(line.startswith(start) for line in printed) for start in wanted):
        line = await process.stdout.readline()
        assert line, "".join(printed)
        printed.append(line.decode())


async def execute(http: httpx.AsyncClient, document: str, **variables: str) -> None:
    response = await http.post("/graphql", json={"query": document, "variables": variables})
    assert "errors" not in response.json(), response.text
