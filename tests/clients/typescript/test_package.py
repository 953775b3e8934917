"""@purser/client with the real Apollo Client, urql, Relay and graphql-ws, against a served Purser."""

import pytest

from tests.clients.typescript.conftest import PACKAGE, RunNode

TEST_FILES = sorted(path.name for path in PACKAGE.glob("tests/*.test.ts"))


@pytest.mark.parametrize("test_file", TEST_FILES)
def test_the_package_works_with_the_libraries(run_node: RunNode, service: str, admin_key: str, test_file: str) -> None:
    environment = {"PURSER_TEST_URL": f"{service}/graphql", "PURSER_TEST_KEY": admin_key}
    arguments = ("--conditions=purser-source", "--test", "--test-timeout=60000", "--test-force-exit")
    done = run_node(*arguments, f"tests/{test_file}", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nℹ fail 0\n" in done.stdout


def test_generated_files_are_up_to_date(run_node: RunNode) -> None:
    done = run_node("scripts/generate.ts", "--check")
    assert done.returncode == 0, done.stderr
