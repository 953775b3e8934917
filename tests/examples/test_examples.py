import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.processes import ROOT, environment
from tests.clients.nautilus.service import Service
from tests.streams.redis_server import RedisServer

AGREED = re.compile(r"^engine: (.+)\nledger: \1$", re.MULTILINE)


def run(name: str, service: Service, directory: Path, *arguments: str, **settings: str) -> str:
    """Runs an example to its end. Returns what it prints."""
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), *arguments]
    variables = environment(settings | {"PURSER_URL": service.url})
    done = subprocess.run(command, cwd=directory, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert service.ask("{ discrepancies { totalCount } quarantinedEvents { totalCount } }") == {
        "discrepancies": {"totalCount": 0},
        "quarantinedEvents": {"totalCount": 0},
    }
    return done.stdout


def test_a_plain_strategy_is_granted_and_denied(service: Service, tmp_path: Path) -> None:
    assert run("plain_strategy", service, tmp_path).splitlines() == [
        "P-1: authorized, filled, 4 events recorded",
        "P-2: denied, BUDGET_EXCEEDED: available=700.00 USDT, required=1500.00 USDT",
        "P-3: authorized, never sent, released",
        "Plain-001: 300.000 of 1000 USDT reserved, 700.000 available, net PnL -0.12",
    ]
    assert service.ask("{ positions { nodes { valuation } } }") == {"positions": {"nodes": [{"valuation": "RECORDED"}]}}


def test_a_backtest_shows_the_denials_of_the_small_budget(service: Service, tmp_path: Path) -> None:
    printed = run("backtest_two_strategies", service, tmp_path)
    assert len(re.findall(r"-002-\d+: BUDGET_EXCEEDED: available=5000 USDT, required=", printed)) == 40
    assert "-001-" not in printed
    assert AGREED.search(printed), printed
    assert "asked 80, granted 40, denied 40" in printed


def test_a_live_node_trades_within_its_budget(service: Service, tmp_path: Path) -> None:
    printed = run("live_node", service, tmp_path, "--seconds", "1")
    assert AGREED.search(printed), printed
    found = re.search(r"asked (\d+), granted (\d+), denied 0", printed)
    assert found is not None
    assert found[1] == found[2] != "0"


def test_what_a_backtest_publishes_to_redis_is_recorded(
    service: Service, database_url: str, tmp_path: Path, redis_server: RedisServer
) -> None:
    with redis_server.client() as redis:
        redis.config_set("requirepass", "a+b")
    url = redis_server.url.replace("//", "//:a%2Bb@")
    printed = run("redis_pipeline", service, tmp_path, "--redis", url, PURSER_DATABASE_URL=database_url)
    assert AGREED.search(printed), printed
    assert "40 FILLED" in printed


def test_a_pipeline_into_another_database_than_the_services_fails(
    service: Service, empty_database_url: str, tmp_path: Path, redis_server: RedisServer
) -> None:
    settings = {"PURSER_DATABASE_URL": empty_database_url}
    with pytest.raises(AssertionError, match="has another database than `purser stream` recorded in"):
        run("redis_pipeline", service, tmp_path, "--redis", redis_server.url, **settings)
