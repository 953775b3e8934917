"""Processes of `purser`, and data directories for those that start the embedded server."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import forking, purser


@pytest.fixture(scope="session", autouse=True)
def forked_commands() -> Iterator[None]:
    with forking():
        yield


@pytest.fixture(scope="session")
def migrated_data_dir() -> Iterator[Path]:
    """The data directory of a stopped embedded server with the schema and no rows. Tests copy it."""
    with tempfile.TemporaryDirectory(prefix="purser-migrated-") as directory:
        data = Path(directory) / "data"
        assert purser({"PURSER_DATA_DIR": str(data)}, "db", "upgrade").returncode == 0
        yield data


@pytest.fixture
def missing_data_dir() -> Iterator[Path]:
    """A path that does not exist."""
    with tempfile.TemporaryDirectory(prefix="purser-serve-") as directory:
        yield Path(directory) / "data"


@pytest.fixture
def data_dir(missing_data_dir: Path, migrated_data_dir: Path) -> Path:
    """The data directory of a stopped service without recorded rows."""
    subprocess.run(["cp", "--archive", migrated_data_dir, missing_data_dir], check=True)
    return missing_data_dir
