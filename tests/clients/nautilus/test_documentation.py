"""docs/nautilus.md: its code connects an engine, and its tables list every setting with its default."""

import re
from pathlib import Path
from typing import Any

import pytest

from purser_nautilus import PurserActorConfig, PurserGateConfig
from tests.clients.nautilus.backtests import PLAIN, add_script, backtest
from tests.clients.nautilus.ledger import assert_equals_cache
from tests.clients.nautilus.service import Service
from tests.documentation import ROOT, blocks_of

PAGE = (ROOT / "docs" / "nautilus.md").read_text()


@pytest.mark.parametrize("config", [PurserActorConfig, PurserGateConfig])
def test_the_tables_list_all_settings(config: Any) -> None:
    table = PAGE.partition(f"| setting of `{config.__name__}` ")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE)
    inherited = {"component_id", "log_events", "log_commands"}
    assert [name for name, _ in listed] == [name for name in config.__annotations__ if name not in inherited]
    assert [name for name, default in listed if not _is_default(default, getattr(config(), name))] == []


def _is_default(listed: str, value: Any) -> bool:
    text = listed.strip("` \"'")
    if text in ("none", "all"):
        return value is None
    if text.endswith(" MiB"):
        return bool(value == int(text.removesuffix(" MiB")) * 1024 * 1024)
    return text in (str(value), f"{value:g}" if isinstance(value, float) else "")


def test_the_code_connects_an_engine(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [code] = [block.text for block in blocks_of(PAGE) if block.language == "python"]
    names: dict[str, Any] = {}
    exec(code.replace("http://127.0.0.1:8000", service.url), names)
    monkeypatch.chdir(tmp_path)  # the spool's folder is relative
    with backtest("PAGE-001") as engine:
        strategy = add_script(engine, PLAIN)
        service.set_budget("PAGE-001", strategy, 1)
        actor, gate = names["connect"](engine)
        engine.run()
        assert actor.flush(60)
        assert gate.counts.asked == len(engine.cache.orders())
        assert gate.counts.denied > 0
        assert_equals_cache(service, engine.cache)
