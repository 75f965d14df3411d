"""Faults in recorded scenes: what changes, what stays, and that a seed says it all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dataset.faults.traffic import recorded, traffic
from tests.unit.dataset.writer import cut

from fleetops.dataset.admission import Admission
from fleetops.dataset.angles import wrap_angle
from fleetops.dataset.block import FrameBlock, Rows
from fleetops.dataset.faults import EGO, FAULTS, Fault, inject
from fleetops.dataset.faults.injection import WARM_UP_FRAMES
from fleetops.dataset.faults.recorded import NEAR_M, Recorded
from fleetops.dataset.geo import GeoReference
from fleetops.dataset.normalize import normalize

SCENE = recorded()
BY_NAME = {fault.name: fault for fault in FAULTS}
SEEDS = range(10)
HERE = GeoReference.from_matrix([[1, 0, 0, -2.7e6], [0, 1, 0, -4.3e6], [0, 0, 1, 3.8e6], [0, 0, 0, 1]])

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


def rows_of(block: FrameBlock, track: int) -> dict[int, Rows]:
    """A track's rows by frame."""
    frame = np.repeat(np.arange(len(block.frames)), np.diff(block.agent_offsets))
    own = block.agents["track_id"] == track
    return dict(zip(frame[own].tolist(), block.agents[own], strict=True))


def injected(name: str, seed: int, count: int = 1) -> tuple[FrameBlock, int, int, int]:
    """One fault: the disturbed scene, the first bearer, the onset and the end."""
    done = inject(SCENE, BY_NAME[name], seed, count)
    first = done.injections[0]
    assert first.bearers[0] is not EGO
    return done.block, first.bearers[0], first.onset, first.end


@every_fault
def test_a_seed_says_it_all(fault: Fault) -> None:
    """Twice the same seed is twice the same scene; another seed is another scene; the original stays as it was."""
    before = SCENE.block.agents.copy()
    first, second = inject(SCENE, fault, 3, 2), inject(SCENE, fault, 3, 2)
    assert first.injections == second.injections
    assert (first.block.agents == second.block.agents).all()
    assert any(inject(SCENE, fault, seed, 2).injections != first.injections for seed in SEEDS)
    assert (SCENE.block.agents == before).all()


@every_fault
def test_only_the_bearers_change_and_only_from_the_onset_on(fault: Fault) -> None:
    """Every other vehicle, and every frame before, is as it was recorded."""
    for seed in SEEDS:
        done = inject(SCENE, fault, seed, 2)
        assert done.injections, "a scene of six cars has one for every fault"
        first = min(each.onset for each in done.injections)
        low, high = done.block.agent_offsets[first], SCENE.block.agent_offsets[first]
        assert low == high
        assert (done.block.agents[:low] == SCENE.block.agents[:low]).all()
        named = {track for each in done.injections for track in each.bearers}
        if EGO in named:
            continue
        for track in range(1, 7):
            if track not in named:
                ours, theirs = rows_of(done.block, track), rows_of(SCENE.block, track)
                assert ours.keys() == theirs.keys()
                assert all((ours[frame] == theirs[frame]) for frame in ours)


@every_fault
def test_a_vehicle_bears_one_fault_at_most(fault: Fault) -> None:
    """However many are asked for, bearers are distinct, and each is old enough."""
    done = inject(SCENE, fault, 1, 100)
    named = [track for each in done.injections for track in each.bearers]
    assert len(named) == len(set(named))
    assert all(each.onset >= WARM_UP_FRAMES for each in done.injections)


@every_fault
@pytest.mark.parametrize("seed", SEEDS)
def test_what_comes_out_is_a_scene(fault: Fault, seed: int) -> None:
    """Normalization takes every row of it: numbers are finite, and no track is twice in a frame."""
    done = inject(SCENE, fault, seed, 3)
    columns, _ = normalize(done.block, None, Admission(), HERE)
    assert columns.counts.rejected == 0
    assert done.block.agent_offsets[-1] == len(done.block.agents)


@pytest.mark.parametrize(("name", "least", "most"), [("braking_moderate", 3.8, 4.5), ("braking_severe", 6.5, 7.5)])
@pytest.mark.parametrize("seed", SEEDS)
def test_braking_is_as_hard_as_it_says_and_moves_as_fast_as_it_says(
    name: str, least: float, most: float, seed: int
) -> None:
    """Speed falls at the rate, by 6 m/s or more; positions advance by speed; the vehicle stays on its road."""
    block, track, onset, end = injected(name, seed)
    after, before = rows_of(block, track), rows_of(SCENE.block, track)
    frames = sorted(after)
    speed = np.array([np.hypot(*after[frame]["velocity"]) for frame in frames], np.float64)
    place = np.array([after[frame]["centroid"] for frame in frames])
    lost = speed[onset] - speed[end]
    assert lost >= 6.0 - 0.3
    steady = speed[onset + 4 : end - 1]
    if len(steady) > 3:
        rate = -np.polyfit(np.arange(len(steady)) * 0.1, steady, 1)[0]
        assert least - 0.5 < rate < most + 0.5
    moved = np.hypot(*np.diff(place[onset:], axis=0).T)
    assert np.abs(moved - (speed[onset + 1 :] + speed[onset:-1]) / 2 * 0.1).max() < 0.25
    road = np.array([before[frame]["centroid"] for frame in sorted(before)])
    off_road = [np.hypot(*(road - point).T).min() for point in place]
    assert max(off_road) < 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_braking_keeps_the_noise_that_was_recorded(seed: int) -> None:
    """A braked vehicle shakes as much as it did, no less: nothing gives the fault away but the braking."""
    block, track, onset, _ = injected("braking_moderate", seed)

    def shake(rows: dict[int, Rows]) -> float:
        place = np.array([rows[frame]["centroid"] for frame in sorted(rows) if frame >= onset])
        return float(np.std(np.diff(place, n=3, axis=0)))

    assert shake(rows_of(block, track)) == pytest.approx(shake(rows_of(SCENE.block, track)), rel=0.5)


def test_without_noise_a_braked_vehicle_drives_smoothly() -> None:
    """No frame steps off by more than what its brakes and its drive on explain: at most 7.5 m/s2."""
    calm = recorded(noise_m=0.0)
    for seed in SEEDS:
        done = inject(calm, BY_NAME["braking_severe"], seed, 1)
        track = done.injections[0].bearers[0]
        assert track is not EGO
        rows = rows_of(done.block, track)
        speed = np.array([np.hypot(*rows[frame]["velocity"]) for frame in sorted(rows)][1:], np.float64)
        change = np.diff(speed) / 0.1
        assert change.min() > -7.6
        assert change.max() < 1.6


@pytest.mark.parametrize("seed", SEEDS)
def test_a_teleported_vehicle_comes_back(seed: int) -> None:
    """It is 4 to 12 m away while the fault lasts, and where it was recorded afterwards."""
    block, track, onset, end = injected("teleport", seed)
    after, before = rows_of(block, track), rows_of(SCENE.block, track)
    for frame, row in after.items():
        away = np.hypot(*(row["centroid"] - before[frame]["centroid"]))
        assert 4.0 <= away <= 12.0 if onset <= frame < end else away == 0.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flipped_vehicle_faces_backwards(seed: int) -> None:
    """Within 0.2 rad of half a turn while it lasts; the way it moves stays."""
    block, track, onset, end = injected("heading_flip", seed)
    after, before = rows_of(block, track), rows_of(SCENE.block, track)
    for frame in range(onset, end):
        turn = wrap_angle(np.array([after[frame]["yaw"] - before[frame]["yaw"]], np.float64))
        assert abs(turn[0]) > np.pi - 0.2001
        assert (after[frame]["velocity"] == before[frame]["velocity"]).all()
    assert after[end]["yaw"] == before[end]["yaw"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_doubted_vehicle_keeps_its_class(seed: int) -> None:
    """Its probability falls to 40 to 60 %, all classes still sum up to one, and it is still the most probable."""
    block, track, onset, end = injected("label_drop", seed)
    after, before = rows_of(block, track), rows_of(SCENE.block, track)
    for frame in range(onset, end):
        probabilities = after[frame]["label_probabilities"]
        assert probabilities.argmax() == before[frame]["label_probabilities"].argmax()
        assert 0.4 <= probabilities.max() <= 0.6
        assert probabilities.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_switched_id_goes_on_as_a_new_track(seed: int) -> None:
    """The old one ends, a new one goes on in its place, and begins with no velocity as real tracks do."""
    block, track, onset, _ = injected("id_switch", seed)
    old, before = rows_of(block, track), rows_of(SCENE.block, track)
    new = rows_of(block, 100)
    assert max(old) == onset - 1
    assert sorted([*old, *new]) == sorted(before)
    assert (new[onset]["velocity"] == 0).all()
    assert (new[onset]["centroid"] == before[onset]["centroid"]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_swapped_ids_are_each_others(seed: int) -> None:
    """Both vehicles are still there, under each other's names, and at least 5 m apart."""
    done = inject(SCENE, BY_NAME["id_swap"], seed, 1)
    one, other = done.injections[0].bearers
    assert one is not EGO
    assert other is not EGO
    onset, end = done.injections[0].onset, done.injections[0].end
    for frame in range(onset, end):
        mine, theirs = rows_of(done.block, one)[frame], rows_of(done.block, other)[frame]
        assert (mine["centroid"] == rows_of(SCENE.block, other)[frame]["centroid"]).all()
        assert (theirs["centroid"] == rows_of(SCENE.block, one)[frame]["centroid"]).all()
        assert np.hypot(*(mine["centroid"] - theirs["centroid"])) >= 5.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dropout_leaves_a_gap_or_the_end(seed: int) -> None:
    """With return the vehicle misses exactly the fault's frames; without, everything from the onset on."""
    block, track, onset, end = injected("dropout_with_return", seed)
    missing = rows_of(SCENE.block, track).keys() - rows_of(block, track).keys()
    assert missing == set(range(onset, end))
    block, track, onset, _ = injected("dropout", seed)
    assert max(rows_of(block, track)) == onset - 1


@pytest.mark.parametrize("name", ["blackout", "blackout_flickering"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_blackout_takes_almost_everyone(name: str, seed: int) -> None:
    """Frames stay, agents go for 6 to 14 of them, and there is one blackout at most."""
    done = inject(SCENE, BY_NAME[name], seed, 5)
    (fault,) = done.injections
    assert fault.bearers == (EGO,)
    assert 6 <= fault.end - fault.onset <= 14
    left = np.diff(done.block.agent_offsets)
    assert left[fault.onset : fault.end].mean() <= 2
    assert (left[fault.end :] == 6).all()


def test_targets_are_vehicles_calm_and_near() -> None:
    """No pedestrian, no standing car for a flip, nobody far away, and nobody in the middle of something."""
    uneasy = traffic()
    agents = uneasy.agents.copy()
    frame = np.repeat(np.arange(len(uneasy.frames)), np.diff(uneasy.agent_offsets))
    agents["yaw"][(agents["track_id"] == 4) & (frame % 15 == 0)] += 2.0  # flutters all the time
    agents["centroid"][agents["track_id"] == 5] += 2 * NEAR_M  # is far away
    scene = Recorded.of(FrameBlock(0, 0, uneasy.frames, agents, uneasy.agent_offsets))
    named = {
        track
        for seed in SEEDS
        for each in inject(scene, BY_NAME["heading_flip"], seed, 10).injections
        for track in each.bearers
    }
    assert named == {2, 3, 6}


def test_a_scene_without_vehicles_bears_no_fault() -> None:
    """Nothing is fit, so nothing is injected, and the scene is as it was."""
    empty = Recorded.of(traffic(speeds=()))
    for fault in FAULTS:
        done = inject(empty, fault, 0, 3)
        assert done.injections == ()
        assert (done.block.agents == empty.block.agents).all()


def test_a_part_of_a_scene_is_refused() -> None:
    """Onsets are counted from the scene's first frame."""
    with pytest.raises(ValueError, match="from its first frame"):
        Recorded.of(cut(traffic(), 10, 20))


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 5), fault=st.sampled_from(FAULTS))
def test_never_more_faults_than_asked_for(seed: int, count: int, fault: Fault) -> None:
    """Any seed will do, and bearers are always tracks of the scene, or the ego."""
    done = inject(SCENE, fault, seed, count)
    assert len(done.injections) <= count
    assert all(0 <= each.onset < each.end for each in done.injections)
