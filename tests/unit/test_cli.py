"""The command line: quick, and in words when something is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from fleetops import __version__
from fleetops.auth.roles import Role
from fleetops.cli import app
from fleetops.dataset.golden_scenes import golden_dataset
from fleetops.settings import Settings

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
    for command in ("demo", "replay", "anomaly", "operator", "dataset", "scenes", "db", "token", "version"):
        assert f"│ {command}" in words


def test_a_setting_that_cannot_be_used_is_named() -> None:
    """The variable and the reason are told, with the exit code of a configuration error and no traceback."""
    ended = _fleetops("replay", environment={"FLEETOPS_REPLAY__PORT": "eighty"})
    assert ended.returncode == 2
    assert "FLEETOPS_REPLAY__PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_setting_that_is_no_json_is_told() -> None:
    """A map that cannot be parsed is a configuration error like any other, and the way to write one is shown."""
    ended = _fleetops("replay", environment={"FLEETOPS_KAFKA__CLIENT_OPTIONS": "foo"})
    assert ended.returncode == 2
    assert "kafka" in ended.stderr
    assert "JSON" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_worker_runs_the_rules_that_it_is_given() -> None:
    """A rule set that is none ends it before it looks for a broker, and says which there are."""
    ended = _fleetops("anomaly", "--rules", "nowhere.toml", environment={"FLEETOPS_ANOMALY__RULES": "baseline"})
    assert ended.returncode == 2
    assert "no rule set 'nowhere.toml': give one of baseline, calibrated" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "option",
    [
        ("--rate", "nan"),
        ("--rate", "inf"),
        ("--rate", "1000.5"),
        ("--rate", "0.05"),
        ("--session-id", "a b"),
        ("--session-id", ""),
    ],
)
def test_what_no_session_can_have_is_refused_at_once(tmp_path: Path, option: tuple[str, str]) -> None:
    """A rate or a name that replay-service would refuse is told before the data directory is touched."""
    ended = _fleetops("demo", *option, "--data-dir", str(tmp_path / "data"))
    assert ended.returncode == 2
    assert option[0] in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_token_needs_no_name(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One is made up and told beside the secret, which is alone on the standard output for programs to take."""
    made: list[str] = []

    def create_token(_: Settings, __: Role, name: str, life: timedelta | None) -> str:
        assert life is None
        made.append(name)
        return "flt_secret"

    monkeypatch.setattr("fleetops.operator.access.create_token", create_token)
    monkeypatch.setenv("FLEETOPS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    app(["token", "create", "--role", "viewer"], standalone_mode=False)
    told = capsys.readouterr()
    assert re.fullmatch(r"token-[0-9a-f]{6}", made[0])
    assert told.out == "flt_secret\n"
    assert made[0] in told.err
    app(["token", "create", "--role", "viewer", "--name", "mine"], standalone_mode=False)
    assert made[1] == "mine"


def test_trackers_are_compared_side_by_side() -> None:
    """`scenes stats` measures any dataset, and beside another the ratio of each figure."""
    golden = str(golden_dataset())
    told = _fleetops("scenes", "stats", golden, "--against", golden).stdout
    assert "position residual, m: 50 %" in told
    assert "1.00" in told


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
