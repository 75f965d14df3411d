"""Every setting can be given by the environment, under the name the documents tell."""

from __future__ import annotations

import os

import pytest
from pydantic import BaseModel, ValidationError

from fleetops.errors import ConfigurationError
from fleetops.settings import Settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches these tests."""
    for name in [name for name in os.environ if name.startswith("FLEETOPS_")]:
        monkeypatch.delenv(name)


def test_names_are_the_path_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    """`FLEETOPS_`, then the path, levels joined by two underscores; maps are JSON."""
    monkeypatch.setenv("FLEETOPS_KAFKA__BOOTSTRAP_SERVERS", "broker:9093")
    monkeypatch.setenv("FLEETOPS_KAFKA__PARTITIONS", '{"raw_telemetry": 12}')
    monkeypatch.setenv("FLEETOPS_KAFKA__CLIENT_OPTIONS", '{"security.protocol": "SSL"}')
    monkeypatch.setenv("FLEETOPS_REPLAY__PORT", "9001")
    monkeypatch.setenv("FLEETOPS_LOG_FORMAT", "console")
    monkeypatch.setenv("FLEETOPS_SERVICE_TOKEN", "s3cret")
    settings = Settings()
    assert settings.kafka.bootstrap_servers == "broker:9093"
    assert settings.kafka.partitions == {"raw_telemetry": 12}
    assert settings.kafka.client_options == {"security.protocol": "SSL"}
    assert settings.replay.port == 9001
    assert settings.log_format == "console"
    assert settings.service_token is not None
    assert settings.service_token.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)


def test_the_agreed_defaults_hold() -> None:
    """Ports, rate, session timeout and batch size as agreed."""
    settings = Settings()
    assert (settings.replay.port, settings.anomaly.port, settings.operator.port) == (8001, 8002, 8003)
    assert settings.replay.rate_hz == 10.0
    assert (settings.kafka.session_timeout_ms, settings.kafka.batch_size) == (30_000, 1_000)
    assert settings.kafka.bootstrap_servers == "localhost:9092"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLEETOPS_KAFKA__BATCH_SIZE", "0"),
        ("FLEETOPS_KAFKA__TYPO", "1"),
        ("FLEETOPS_REPLAY__PORT", "65536"),
        ("FLEETOPS_REPLAY__RATE_HZ", "-1"),
        ("FLEETOPS_REPLAY__RATE_HZ", "0.099"),
        ("FLEETOPS_LOG_LEVEL", "LOUD"),
    ],
)
def test_what_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A value out of bounds, or a name we do not have, is an error at start-up and not a surprise later."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize("rate", ["0", "0.1", "1000"])
def test_a_rate_is_unbounded_or_fast_enough_for_detection(monkeypatch: pytest.MonkeyPatch, rate: str) -> None:
    """0 means as fast as it goes; the bounds themselves are allowed."""
    monkeypatch.setenv("FLEETOPS_REPLAY__RATE_HZ", rate)
    assert Settings().replay.rate_hz == float(rate)


def test_a_pause_ends_before_detection_gives_its_scenes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names both variables and their values; one second apart is enough."""
    monkeypatch.setenv("FLEETOPS_ANOMALY__GIVE_UP_S", "600")
    with pytest.raises(
        ConfigurationError,
        match=r"^FLEETOPS_REPLAY__IDLE_END_S \(600 s\) must be smaller than FLEETOPS_ANOMALY__GIVE_UP_S \(600 s\)",
    ):
        Settings()
    monkeypatch.setenv("FLEETOPS_REPLAY__IDLE_END_S", "599")
    assert Settings().anomaly.give_up_s == 600


def test_settings_cannot_be_changed_once_built() -> None:
    """They are handed down, and the same for everyone."""
    sections: list[BaseModel] = [Settings(), Settings().kafka, Settings().operator]
    for section in sections:
        name = next(iter(type(section).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, name, None)
