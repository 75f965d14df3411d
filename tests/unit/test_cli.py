"""The command line: quick, and in words when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fleetops import __version__

HEAVY = ("numpy", "numba", "zarr", "sqlalchemy", "fastapi", "confluent_kafka", "asyncpg", "alembic", "rich.live")


def _fleetops(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fleetops.cli", *arguments],
        env=os.environ | {"COLUMNS": "200"} | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_version_is_the_packages() -> None:
    """`fleetops version` prints it alone."""
    assert _fleetops("version").stdout.strip() == __version__


def test_help_loads_nothing_heavy() -> None:
    """What takes long to import is imported by the command that needs it."""
    code = f"import sys, fleetops.cli; sys.exit(', '.join(name for name in {HEAVY!r} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stderr.strip() == ""


def test_help_names_every_command() -> None:
    """Each process of FleetOps is one command of this program."""
    words = _fleetops("--help").stdout
    for command in ("demo", "replay", "anomaly", "operator", "dataset", "db", "token", "version"):
        assert f"│ {command}" in words


def test_a_setting_that_cannot_be_used_is_named() -> None:
    """The variable and the reason are told, with the exit code of a configuration error and no traceback."""
    ended = _fleetops("replay", environment={"FLEETOPS_REPLAY__PORT": "eighty"})
    assert ended.returncode == 2
    assert "FLEETOPS_REPLAY__PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_dataset_that_is_none_is_told() -> None:
    """`dataset info` ends with the exit code of a dataset error."""
    ended = _fleetops("dataset", "info", os.devnull)
    assert ended.returncode == 3
    assert ended.stderr.startswith("error:")
    assert "Traceback" not in ended.stderr


def test_without_a_database_the_way_to_one_is_told(tmp_path: Path) -> None:
    """`db upgrade` and `token create` say how to name a database where none is configured."""
    for command in (["db", "upgrade"], ["token", "create", "--role", "viewer", "--name", "x"]):
        ended = _fleetops(*command, "--data-dir", str(tmp_path))
        assert ended.returncode == 2
        assert "FLEETOPS_DATABASE_URL" in ended.stderr


@pytest.mark.sample
def test_the_real_scene_is_described(l5kit_sample: Path) -> None:
    """`dataset info` prints what its README says of it, for people and for programs."""
    words = _fleetops("dataset", "info", str(l5kit_sample)).stdout
    assert "248 in 24.7 s" in words
    assert '"tracks": 1653' in _fleetops("dataset", "info", "--json", str(l5kit_sample)).stdout
