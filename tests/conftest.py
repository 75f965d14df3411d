"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings
from tests.servers.kafka import DEFAULT_KIND, KINDS, apache_server, broker, kafka
from tests.servers.postgres import database_settings, database_url, engine, postgres, sessions

__all__ = ["apache_server", "broker", "database_settings", "database_url", "engine", "kafka", "postgres", "sessions"]

# Machines are shared and noisy, so no test has a deadline; CI must not fail on a die it throws itself.
settings.register_profile("fleetops", deadline=None, print_blob=True, derandomize=os.environ.get("CI") == "true")
settings.register_profile("full", settings.get_profile("fleetops"), derandomize=False)  # many more: hours, not seconds
settings.load_profile("fleetops")

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def l5kit_sample() -> Path:
    """The one real L5Kit scene. It is no part of this repository: skips where it is absent, fails under CI.

    `FLEETOPS_L5KIT_SAMPLE` says where it is; relative paths start at the repository.
    """
    configured = os.environ.get("FLEETOPS_L5KIT_SAMPLE", "../shared/data/l5kit_sample/single_scene.zarr")
    path = (_ROOT / configured).resolve()
    if not (path / ".zgroup").is_file():
        reason = f"no real L5Kit scene at {configured} (set FLEETOPS_L5KIT_SAMPLE)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def pytest_report_header() -> str:
    """Say which brokers this run is about."""
    return f"kafka: {DEFAULT_KIND}; contract suite: {', '.join(KINDS)}"
