"""Settings on their way to a child process."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from fleetops.embedded.environment import child_environment
from fleetops.settings import KafkaSettings, ReplaySettings, Settings


def _as_the_child_reads_them(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_a_child_builds_equal_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the parent decided, nested values, mappings and secrets included, is what the child reads."""
    settings = Settings(
        kafka=KafkaSettings(
            bootstrap_servers="127.0.0.1:1", partitions={"anomalies": 3}, client_options={"socket.nagle.disable": "1"}
        ),
        replay=ReplaySettings(dataset=tmp_path / "set.zarr", rate_hz=0.1, port=0),
        data_dir=tmp_path,
        service_token=SecretStr("of the service"),
        database_url=SecretStr("postgresql://u:p@h/d"),
    )
    assert _as_the_child_reads_them(child_environment(settings, {}), monkeypatch) == settings


def test_variables_of_ours_are_replaced_and_others_kept() -> None:
    """A setting that the parent took back does not come through from its own environment."""
    inherited = {"PATH": "/bin", "FLEETOPS_DATABASE_URL": "postgresql://old", "fleetops_replay__port": "1"}
    environment = child_environment(Settings(database_url=None), inherited)
    assert environment["PATH"] == "/bin"
    assert "FLEETOPS_DATABASE_URL" not in environment
    assert "fleetops_replay__port" not in environment
