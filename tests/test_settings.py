"""Settings are read from the environment; invalid ones are refused, unknown ones reported."""

import logging
from pathlib import Path

import pytest

from app.cli.configuration import settings_with_logging
from app.errors import SettingsInvalid
from app.settings import load_settings, unknown_variables


def test_a_misspelt_variable_is_reported_with_a_suggestion() -> None:
    assert unknown_variables(["PURSER_GRAPHQL_COST_MXA", "PURSER_PORT", "purser_hsot", "PATH", "_PURSER_X"]) == [
        "PURSER_GRAPHQL_COST_MXA is not a setting and is ignored. Did you mean PURSER_GRAPHQL_COST_MAX?",
        "purser_hsot is not a setting and is ignored. Did you mean PURSER_HOST?",
    ]
    assert unknown_variables(["PURSER_SERVICE_HOST"]) == ["PURSER_SERVICE_HOST is not a setting and is ignored."]


def test_the_log_reports_unknown_variables(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("PURSER_WORKRES", "2")
    with caplog.at_level(logging.WARNING):
        assert settings_with_logging().workers == 1
    assert caplog.messages == ["PURSER_WORKRES is not a setting and is ignored. Did you mean PURSER_WORKERS?"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "0", "PURSER_PORT: input should be greater than or equal to 1."),
        ("LOG_LEVEL", "loud", "PURSER_LOG_LEVEL: input should be 'critical', 'error', 'warning', 'info' or 'debug'."),
        ("DATABASE_URL", "mysql://u:secret@h/d", "PURSER_DATABASE_URL: must begin with postgresql:// "),
        ("DATABASE_URL", "postgresql://u:secret@h:99999/d", "PURSER_DATABASE_URL: names the port '99999'"),
        ("GRAPHQL_ALLOW_LIST", "/nowhere.json", "PURSER_GRAPHQL_ALLOW_LIST: there is no file /nowhere.json."),
        ("WORKERS", "64", "2 x PURSER_WORKERS x PURSER_POOL_SIZE_MAX is 1024, more than the 190 connections"),
        ("WORKERS", "12", "2 x PURSER_WORKERS x PURSER_POOL_SIZE_MAX is 192, more than the 190 connections"),
    ],
)
def test_an_invalid_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(f"PURSER_{name}", value)
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    assert str(refused.value).startswith(message)
    assert "secret" not in str(refused.value)


def test_options_take_precedence_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURSER_PORT", "9000")
    monkeypatch.setenv("purser_host", "::1")
    monkeypatch.setenv("PURSER_DATA_DIR", "")
    settings = load_settings(port=9001, workers=None)
    assert (settings.port, settings.host, settings.workers) == (9001, "::1", 1)
    assert settings.data_dir == Path(".purser")
