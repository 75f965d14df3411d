"""Vehicles that pull over, stand and drive on raise no anomaly that their recording does not."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.scenarios.staging import Script, Tape, detect, perform

from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import ActionType, AnomalyStatus
from fleetops.replay.catalog import Catalog
from fleetops.replay.interventions import Deed
from fleetops.settings import ReplaySettings

SCENE = "scene_00000"
PULL_OVER: Deed = ActionType.PULL_OVER_SIMULATED
RESUME: Deed = ActionType.RESUME_SIMULATION
VEHICLES = 40


@pytest.fixture(scope="module")
def reader() -> Iterator[ThreadPoolExecutor]:
    """Reads ahead."""
    with ThreadPoolExecutor(1) as reader:
        yield reader


@pytest.fixture(scope="module")
def real(l5kit_sample: Path) -> Catalog:
    """The real scene."""
    return Catalog.open(ReplaySettings(dataset=l5kit_sample))


@pytest.fixture(scope="module")
def undisturbed(real: Catalog, reader: ThreadPoolExecutor) -> Tape:
    """The real scene with nobody acting."""
    tape, _ = perform(real, SCENE, {}, reader)
    return tape


def scripted(tape: Tape, seed: int, vehicles: int) -> Script:
    """So many vehicles, pulled over at some moment of their lives and let drive on 1 to 12 s later."""
    seen: dict[str, list[int]] = defaultdict(list)
    for record in tape.records:
        if record.name is not None:
            seen[record.name.decode()].append(json.loads(record.raw)["frame_index"])
    chance = random.Random(seed)
    long_lived = sorted(vehicle for vehicle, frames in seen.items() if len(frames) > 25 and "ego" not in vehicle)
    script: dict[int, list[tuple[str, Deed]]] = defaultdict(list)
    for vehicle in chance.sample(long_lived, vehicles):
        frame = chance.choice(seen[vehicle][15:-3])
        script[frame].append((vehicle, PULL_OVER))
        script[frame + chance.randint(10, 120)].append((vehicle, RESUME))
    return script


def raised(anomalies: list[Anomaly]) -> set[tuple[str, str, int, str]]:
    """What was raised, by whom, when, how severe."""
    return {
        (each.vehicle_id, each.anomaly_type, each.provenance.frame_index, each.severity)
        for each in anomalies
        if each.status is AnomalyStatus.ACTIVE
    }


@pytest.mark.sample
def test_nothing_is_raised_in_real_traffic(real: Catalog, undisturbed: Tape, reader: ThreadPoolExecutor) -> None:
    """Forty at once under `calibrated`; and whoever is left alone is as before."""
    assert_nothing_raised(real, SCENE, undisturbed, scripted(undisturbed, 0, VEHICLES), reader)


def test_nothing_is_raised_in_a_golden_scene(reader: ThreadPoolExecutor) -> None:
    """Twenty vehicles and the ego."""
    golden = Catalog.open(ReplaySettings())
    scene_id = golden.scenes[-1].scene_id
    undisturbed, _ = perform(golden, scene_id, {}, reader)
    script = dict(scripted(undisturbed, 1, VEHICLES // 2))
    script[150] = [*script.get(150, ()), (f"{scene_id}_ego", PULL_OVER)]
    script[300] = [*script.get(300, ()), (f"{scene_id}_ego", RESUME)]
    assert_nothing_raised(golden, scene_id, undisturbed, script, reader)


def assert_nothing_raised(
    catalog: Catalog, scene_id: str, undisturbed: Tape, script: Script, reader: ThreadPoolExecutor
) -> None:
    """Whoever acts raises no more than before, and others what they raised before."""
    tape, acted = perform(catalog, scene_id, script, reader)
    begun = {vehicle for vehicle, one in acted.items() if one.begun}
    assert len(begun) > len(acted) * 0.7
    before, after = raised(detect(undisturbed, "calibrated")), raised(detect(tape, "calibrated"))
    assert after - before == set()
    assert {each for each in before - after if each[0] not in begun} == set()


@pytest.mark.sample
def test_the_same_journal_makes_the_same_records(real: Catalog, undisturbed: Tape, reader: ThreadPoolExecutor) -> None:
    """To the last digit: only when a record was made may differ."""
    first, acted = perform(real, SCENE, scripted(undisturbed, 2, 5), reader)
    again, _ = perform(real, SCENE, {}, reader, acted)
    assert any(one.begun for one in acted.values())
    assert [said(record.raw) for record in first.records] == [said(record.raw) for record in again.records]


def said(raw: bytes) -> dict[str, object]:
    """A message without when it was made."""
    message: dict[str, object] = json.loads(raw)
    del message["processing_time"]
    return message
