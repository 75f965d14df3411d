"""What is written of a scorecard: for programs, for the terminal, for the repository."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.stories import rule_set
from tests.unit.anomaly.scorecard.cards import GOOD, card
from tests.unit.anomaly.scorecard.recordings import recording

from fleetops.anomaly.detector import advance
from fleetops.anomaly.scorecard.card import FaultFigures
from fleetops.anomaly.scorecard.judging import Tally
from fleetops.anomaly.scorecard.listing import NOT_JUDGED, Raised, key_of, raised_in, read_judgements
from fleetops.anomaly.scorecard.page import to_markdown
from fleetops.anomaly.scorecard.report import as_table, misses_aim, seeds_of, to_json
from fleetops.dataset.faults import FAULTS
from fleetops.errors import ConfigurationError

BAD = replace(GOOD, recalled=15, recall=0.5)


@pytest.fixture(scope="module")
def raised(tmp_path_factory: pytest.TempPathFactory) -> list[Raised]:
    """What a nervous rule set makes of calm traffic; one of it has been judged."""
    nervous = rule_set("[rules.position_jumped]\nposition_jump_threshold_m = 3.0")
    dataset = recording(tmp_path_factory.mktemp("scene") / "small.zarr")
    judged = {"scene_00000_track_6 12 perception_instability WARNING": "false: it just drives fast"}
    return raised_in(dataset, nervous, judged, advance)


def test_the_document_has_the_agreed_keys() -> None:
    """Programs read these; more may follow."""
    document = to_json([card(), card(rate=9.0)])
    agreed = {"rule_set", "dataset", "seeds", "faults", "false_alerts_per_vehicle_hour", "digest"}
    assert agreed <= document.keys()
    assert json.loads(json.dumps(document))["faults"]["teleport"] == {
        "injected": 30,
        "recalled": 30,
        "recall": 1.0,
        "precision": 1.0,
        "delay_p50_frames": 2.0,
        "delay_p95_frames": 3.0,
    }
    assert document["false_alerts_per_vehicle_hour"] == 0.5
    assert json.loads(json.dumps(document))["against"]["false_alerts_per_vehicle_hour"] == 9.0
    assert to_json([card(rate=None)])["false_alerts_per_vehicle_hour"] is None


def test_figures_are_shares_and_percentiles_of_counts() -> None:
    """Nine of ten found, six of eight explained; delays by their middle and their end."""
    figures = FaultFigures.of(Tally(10, 9, 8, 6, delays=[1, 1, 1, 2, 2, 2, 3, 3, 9]))
    assert (figures.recall, figures.precision) == (0.9, 0.75)
    assert (figures.delay_p50_frames, figures.delay_p95_frames) == (2.0, 6.6)
    assert FaultFigures.of(Tally()) == FaultFigures(0, 0, None, None, None, None)


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        (GOOD, ()),
        (replace(GOOD, recall=0.949), ("recall",)),
        (replace(GOOD, precision=0.949), ("precision",)),
        (replace(GOOD, precision=None), ("precision",)),
        (replace(GOOD, delay_p50_frames=3.0), ()),
        (replace(GOOD, delay_p50_frames=3.5), ("delay",)),
        (FaultFigures(5, 0, 0.0, None, None, None), ("recall", "precision", "delay")),
        (FaultFigures(0, 0, None, None, None, None), ()),
    ],
)
def test_an_aim_is_missed_figure_by_figure(figures: FaultFigures, missed: tuple[str, ...]) -> None:
    """A fault that was never injected misses nothing."""
    misses = misses_aim("teleport", figures)._asdict()
    assert tuple(name for name, missed_ in misses.items() if missed_) == missed


@pytest.mark.parametrize(("seeds", "text"), [((3,), "3"), ((0, 1, 2), "0 to 2"), ((0, 2), "0, 2")])
def test_seeds_are_told_briefly(seeds: tuple[int, ...], text: str) -> None:
    """As a range, where they are one."""
    assert seeds_of(seeds) == text


def test_the_terminal_shows_every_card() -> None:
    """Faults, transport, false alerts and digests, within eighty columns."""
    console = Console(width=80, file=StringIO())
    with console.capture() as captured:
        console.print(as_table([card(), card(rate=612.0, teleport=BAD)]))
    text = captured.get()
    assert max(map(len, text.splitlines())) <= 80
    for words in ("teleport", "0.500", "duplicates", "612.00", "0.50", "sha256:beef", "acceptable)"):
        assert words in text


def test_the_page_marks_what_misses_its_aim(raised: list[Raised]) -> None:
    """Bold, and only that; every fault of the catalogue is explained."""
    page = to_markdown([card(teleport=BAD), card(rate=None)], {"small.zarr": raised}, "make it")
    assert "| teleport | 30 | **0.500** | 1.000 | 2 / 3 | 1.000 | 1.000 | 2 / 3 |" in page
    assert all(fault.sentence in page for fault in FAULTS)
    assert "`sha256:feed`" in page
    assert max(map(len, page.splitlines())) < 300


def test_the_page_shows_evidence_for_everything_raised(raised: list[Raised]) -> None:
    """Each with its features, its histories and what a person made of it."""
    page = to_markdown([card()], {"small.zarr": raised}, "make it")
    assert page.count("\n- **WARNING position_jumped**") == len(raised) > 1
    assert page.count("position_jump_distance") == len(raised)
    assert page.count("false: it just drives fast") == 1
    assert page.count(NOT_JUDGED) == len(raised) - 1
    speeds = re.search(r"track_6, frame .*\n.*\n  - speed m/s: ([\d. ]+)\n", page)
    assert speeds is not None
    assert all(float(speed) < 16 for speed in speeds[1].split())


def test_judgements_are_read_from_a_table(tmp_path: Path, raised: list[Raised]) -> None:
    """By vehicle, frame, type and severity, as the page names them."""
    path = tmp_path / "judgements.toml"
    key = key_of(raised[0].anomaly)
    path.write_text(f'[judgements]\n"{key}" = "true braking"\n')
    assert read_judgements(path) == {key: "true braking"}
    assert read_judgements(None) == {}


@pytest.mark.parametrize("text", ["[judgements\n", "judgements = 3\n", "[judgements]\na = 3\n"])
def test_a_file_that_holds_no_judgements_is_refused(tmp_path: Path, text: str) -> None:
    """With a word on what was expected."""
    path = tmp_path / "judgements.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="judgements"):
        read_judgements(path)
