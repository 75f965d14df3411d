"""`fleetops score` from its arguments to its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console
from tests.unit.anomaly.scorecard.recordings import recording
from typer.testing import CliRunner

from fleetops.anomaly.scorecard.scoring import REPORTING, TUNING
from fleetops.cli import app
from fleetops.errors import ConfigurationError
from fleetops.score_command import ScoreOptions, run, seeds_in


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("tuning", TUNING), ("reporting", REPORTING), ("7", (7,)), ("0-2,9", (0, 1, 2, 9)), ("3,1-3", (3, 1, 2))],
)
def test_seeds_are_named_or_numbered(text: str, seeds: tuple[int, ...]) -> None:
    """Each once, in the order given."""
    assert seeds_in(text) == seeds


def test_tuning_and_reporting_share_no_seed() -> None:
    """Or what is reported would be what was tuned for."""
    assert not set(TUNING) & set(REPORTING)


@pytest.mark.parametrize("text", ["", "x", "3-1", "1,,2", "-1", "1-"])
def test_other_seeds_are_refused(text: str) -> None:
    """With an example of what is expected."""
    with pytest.raises(ConfigurationError, match="0-4,7"):
        seeds_in(text)


def test_a_score_is_printed_and_written(tmp_path: Path) -> None:
    """Table, JSON, page and misses, of one rule set against another; watched traffic is a dataset given."""
    dataset = tmp_path / "small.zarr"
    recording(dataset)
    files = {name: tmp_path / f"out.{name}" for name in ("json", "markdown", "misses")}
    where = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    words = ["score", str(dataset), "--rules", "baseline", "--against", "calibrated", "--seeds", "3"]
    result = CliRunner().invoke(app, [*words, "--traffic", str(dataset), *where], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "baseline, seeds 3" in result.output
    assert "calibrated, seeds 3" in result.output
    document = json.loads(files["json"].read_text())
    assert document["rule_set"].startswith("baseline@sha256:")
    assert document["against"]["rule_set"].startswith("calibrated@sha256:")
    assert document["seeds"] == [3]
    assert document["traffic"]["vehicle_hours"] > 0
    assert files["markdown"].read_text().startswith("# Scorecard")
    misses = [json.loads(line) for line in files["misses"].read_text().splitlines()]
    assert {miss["rule_set"] for miss in misses} >= {"baseline"}
    assert str(tmp_path) not in files["json"].read_text() + files["markdown"].read_text()


def test_a_place_that_cannot_be_written_to_is_refused_before_the_work(tmp_path: Path) -> None:
    """Minutes of it would be lost: not even the rule set is read."""
    where = tmp_path / "nowhere" / "out.json"
    asked = ScoreOptions((), "no such rules", None, "3", 0.0, (), where, None, None, None)
    with pytest.raises(ConfigurationError, match="no folder"):
        run(asked, Console())
