"""Rules of this project: short files and functions, no vague names, documented settings."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from app.cli.commands import cli
from app.settings import ENV_PREFIX, Settings
from tests.conftest import THOROUGH
from tests.documentation import TEXT as PAGES

ROOT = Path(__file__).parents[1]
CODE = [
    *ROOT.glob("app/**/*.py"),
    *ROOT.glob("graphql_schema/**/*.py"),
    *ROOT.glob("rest_compat/**/*.py"),
    *ROOT.glob("clients/*/*.py"),
    *ROOT.glob("clients/*/purser_*/**/*.py"),
    *ROOT.glob("examples/*.py"),
]
BENCH = [path for path in ROOT.glob("bench/**/*.py") if ".cache" not in path.parts]
ALL = [*CODE, *ROOT.glob("tests/**/*.py"), *BENCH]

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "data", "info"}
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "XX" + "X")


def test_files_are_short() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in ALL}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_functions_are_short() -> None:
    lengths = {f"{name_of(path)}: {name}": length for path in CODE for name, length in functions(path)}
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES_MAX} == {}


def test_no_module_has_a_vague_name() -> None:
    assert [name_of(path) for path in CODE if VAGUE_NAMES & {path.stem, path.parent.name}] == []


def test_no_file_contains_a_marker_of_unfinished_work() -> None:
    assert [name_of(path) for path in ALL if any(word in path.read_text() for word in UNFINISHED)] == []


def test_links_between_pages_resolve() -> None:
    patterns = ("*.md", "docs/**/*.md", "bench/*.md", "clients/*/*.md", "examples/*.md")
    pages = [page for pattern in patterns for page in ROOT.glob(pattern)]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)[)#]", page.read_text())]
    assert len(links) > 30
    assert [(name_of(page), link) for page, link in links if not (page.parent / link).exists()] == []


def test_imports_follow_the_layers() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_the_pages_list_every_setting_and_its_default(setting: str) -> None:
    default = Settings.model_fields[setting].default
    shown = "" if default is None else f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
    row = f"| `{ENV_PREFIX}{setting.upper()}` | {shown} | {Settings.model_fields[setting].description} |"
    assert row in PAGES.splitlines()


def test_paths_excluded_from_the_fast_run_exist() -> None:
    assert [name for name in THOROUGH if not (ROOT / name).exists()] == []


def test_the_pages_name_every_make_target() -> None:
    targets = [
        line.partition(":")[0]
        for line in (ROOT / "Makefile").read_text().splitlines()
        if "## " in line and not line.startswith("\t")
    ]
    assert len(targets) > 5
    assert [name for name in targets if name != "help" and f"`make {name}`" not in PAGES] == []


def test_the_pages_name_every_command() -> None:
    missing = [command for command in commands() if f"\n    purser {command}" not in PAGES]
    assert missing == []


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The name and the number of lines of every function, docstring included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def commands() -> Iterator[str]:
    """The names of all commands: `serve`, `db backup`, ..."""
    for name, command in get_command(cli).commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        yield from [name] if below is None else (f"{name} {inner}" for inner in below)
