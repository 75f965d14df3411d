"""Whole scorecards over a small recording: what goes in comes out, and nothing depends on the order of work."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stories import rule_set
from tests.unit.anomaly.scorecard.recordings import recording

from fleetops.anomaly.detector import advance
from fleetops.anomaly.scorecard.card import Scorecard
from fleetops.anomaly.scorecard.scoring import Miss, score, steps, watch_traffic
from fleetops.anomaly.scorecard.transport import TRANSPORT_FAULTS
from fleetops.dataset.faults import FAULTS
from fleetops.dataset.reader import Dataset

SILENT = rule_set("[rules.position_jumped]\nposition_jump_threshold_m = 1e6")
WATCHFUL = rule_set(
    "[rules.position_jumped]\nposition_jump_threshold_m = 4.5",  # in 300 ms: what drives at 15 m/s, jumps too
    "[rules.updates_missing]\ndropout_frame_threshold = 3",
)
DROPOUTS = rule_set("[rules.updates_missing]\ndropout_frame_threshold = 3")
NERVOUS = rule_set("[rules.position_jumped]\nposition_jump_threshold_m = 0.5")
CHOSEN = [fault for fault in FAULTS if fault.name in {"teleport", "dropout", "braking_severe"}]
SEEDS = (0, 1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two scenes of six cars."""
    return recording(tmp_path_factory.mktemp("scenes") / "small.zarr", scenes=2)


@pytest.fixture(scope="module")
def scored(dataset: Dataset) -> list[tuple[Scorecard, list[Miss]]]:
    """One pass over three kinds of fault, for both rule sets."""
    return score([WATCHFUL, SILENT], {"small": dataset}, SEEDS, faults=CHOSEN, per_scene=1, advance=advance)


def test_what_is_injected_is_the_same_for_all(scored: list[tuple[Scorecard, list[Miss]]]) -> None:
    """One per kind, scene and seed, whoever looks for it."""
    for card, _ in scored:
        assert {name: figures.injected for name, figures in card.faults.items()} == {each.name: 4 for each in CHOSEN}


def test_a_rule_set_finds_what_it_has_rules_for(scored: list[tuple[Scorecard, list[Miss]]]) -> None:
    """Jumps at once, dropouts after more than three frames, and braking never: it has no rule for that."""
    (card, misses), _ = scored
    teleport, dropout, braking = (card.faults[name] for name in ("teleport", "dropout", "braking_severe"))
    assert (teleport.recall, teleport.delay_p50_frames) == (1.0, 0.0)
    assert (dropout.recall, dropout.delay_p50_frames, dropout.delay_p95_frames) == (1.0, 3.0, 3.0)
    assert (braking.recall, braking.delay_p50_frames) == (0.0, None)
    assert [each.injection is not None for each in misses if each.fault == "braking_severe"].count(True) == 4


def test_who_says_nothing_is_never_wrong_and_never_right(scored: list[tuple[Scorecard, list[Miss]]]) -> None:
    """No recall, and no precision either: it has no denominator."""
    _, (card, misses) = scored
    assert all((figures.recall, figures.precision) == (0.0, None) for figures in card.faults.values())
    assert len(misses) == sum(figures.injected for figures in card.faults.values())
    assert card.undisturbed.alerts == 0


def test_the_way_changes_nothing(scored: list[tuple[Scorecard, list[Miss]]]) -> None:
    """Every disturbance of the transport was tried in every scene with every seed, and raised nothing."""
    (card, _), _ = scored
    assert {name: (each.runs, each.raised) for name, each in card.transport.items()} == dict.fromkeys(
        TRANSPORT_FAULTS, (4, 0)
    )
    assert card.transport["duplicates"].changed == card.transport["reordering"].changed == 0


def test_a_scorecard_can_be_made_again(dataset: Dataset, scored: list[tuple[Scorecard, list[Miss]]]) -> None:
    """Alone, the rule set gets the same card, digest included; another seed gives another digest."""
    (card, _), _ = scored
    again, _ = score([WATCHFUL], {"small": dataset}, SEEDS, faults=CHOSEN, per_scene=1, advance=advance)[0]
    assert again == card
    other, _ = score([WATCHFUL], {"small": dataset}, (0, 2), faults=CHOSEN, per_scene=1, advance=advance)[0]
    assert other.digest != card.digest


def test_steps_are_announced_as_often_as_promised(dataset: Dataset) -> None:
    """A progress bar ends where it said it would."""
    told: list[str] = []
    score([SILENT], {"small": dataset}, (5,), told.append, per_scene=1, advance=advance)
    assert len(told) == steps([dataset], (5,))


def test_datasets_have_figures_of_their_own(dataset: Dataset, tmp_path: Path) -> None:
    """And together those of the whole."""
    other = recording(tmp_path / "other.zarr")
    card, _ = score([WATCHFUL], {"small": dataset, "other": other}, (0,), faults=CHOSEN, advance=advance)[0]
    assert [(each.name, each.scenes) for each in card.datasets] == [("small", 2), ("other", 1)]
    for name, figures in card.faults.items():
        assert figures.injected == sum(each.faults[name].injected for each in card.datasets)
    assert card.datasets[0].digest != card.datasets[1].digest


def test_alerts_in_calm_traffic_are_false(dataset: Dataset) -> None:
    """Three of six cars drive faster than 0.5 m in 300 ms allow, and each is one alert, by the rule that raised it."""
    nervous, silent = watch_traffic([NERVOUS, SILENT], [dataset], advance=advance)
    hours = 2 * 80 * 7 / 36_000
    assert nervous.warnings.vehicle_hours == pytest.approx(hours, rel=0.01)
    assert nervous.warnings.alerts == 2 * 5  # all but the parked car; the ego drives 0.3 m in 300 ms
    assert nervous.by_rule == {"position_jumped": 10}
    assert nervous.warnings.per_vehicle_hour == pytest.approx(10 / hours, rel=0.01)
    assert (silent.warnings.alerts, silent.alerts.alerts) == (0, 0)


def test_what_ends_under_a_new_name_would_have_ended_anyway(tmp_path: Path) -> None:
    """All tracks fall silent ten frames before the end: under a switched id that is nothing new."""
    dataset = recording(tmp_path / "ending.zarr", until=70)
    switch = [fault for fault in FAULTS if fault.name == "id_switch"]
    card, _ = score([DROPOUTS], {"ending": dataset}, (0,), faults=switch, per_scene=1, advance=advance)[0]
    assert (card.faults["id_switch"].recall, card.faults["id_switch"].precision) == (1.0, 1.0)
