"""Stories of one or two tracks: what normalization makes of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fleetops.contracts.vocabulary import Label
from fleetops.dataset.geo import PALO_ALTO
from fleetops.dataset.normalize import Admission, TelemetryColumns, normalize

from .writer import START_NS, STEP_NS, Agent, Frame, block_of, cut

LABELS = list(Label)


def tell(*frames: Frame, admission: Admission | None = None) -> TelemetryColumns:
    """Telemetry of a scene in one block."""
    return normalize(block_of(frames), None, admission or Admission(), PALO_ALTO)[0]


def agents_only(columns: TelemetryColumns, name: str) -> list[float]:
    """A column without the ego's rows."""
    values: list[float] = getattr(columns, name)[~columns.is_ego].tolist()
    return values


def ego_only(columns: TelemetryColumns, name: str) -> list[float]:
    """A column of the ego's rows."""
    values: list[float] = getattr(columns, name)[columns.is_ego].tolist()
    return values


def test_acceleration_is_the_change_of_velocity_over_the_true_time() -> None:
    """From 10 to 8 m/s in 80 ms is -25 m/s2, whatever the nominal rate; the first sighting has none."""
    told = tell(Frame([Agent(vx=10, vy=1)]), Frame([Agent(vx=8, vy=1)], dt_ns=80_000_000))
    assert agents_only(told, "ax") == [0.0, -25.0]
    assert agents_only(told, "ay") == [0.0, 0.0]
    assert agents_only(told, "accel") == [0.0, 25.0]
    assert agents_only(told, "speed") == [10.05, 8.062]


def test_a_gap_in_a_track_stretches_the_time_its_change_took() -> None:
    """Unseen for two frames: the difference is over 300 ms, and the track's length counts sightings."""
    told = tell(Frame([Agent(vx=9, yaw=0.1)]), Frame(), Frame(), Frame([Agent(vx=6, yaw=0.4)]))
    assert agents_only(told, "ax") == [0.0, -10.0]
    assert agents_only(told, "yaw_rate") == [0.0, 1.0]
    assert agents_only(told, "track_length") == [1, 2]


def test_yaw_rate_takes_the_short_way_round() -> None:
    """From just below pi to just above -pi is a small turn left, not a full one right."""
    told = tell(Frame([Agent(yaw=math.pi - 0.05)]), Frame([Agent(yaw=-math.pi + 0.05)]))
    assert agents_only(told, "yaw_rate")[1] == pytest.approx(1.0, abs=1e-4)


def test_the_ego_comes_first_in_each_frame_then_agents_in_the_datasets_order() -> None:
    """Not in the order of track ids."""
    told = tell(Frame([Agent(9), Agent(2)]), Frame(), Frame([Agent(2), Agent(9)]))
    assert told.track_id.tolist() == [0, 9, 2, 0, 0, 2, 9]
    assert told.is_ego.tolist() == [True, False, False, True, True, False, False]
    assert told.row_offsets.tolist() == [0, 3, 4, 7]
    assert told.frame_index.tolist() == [0, 0, 0, 1, 2, 2, 2]
    assert told.active_agent_count.tolist() == [2, 0, 2]


def test_the_ego_moves_as_its_poses_do() -> None:
    """Velocity from the second sighting, acceleration from the third: no 100 m/s2 out of a standing start."""
    poses = [(0.0, 0.0, 271.0), (1.0, 0.0, 271.0), (2.5, 0.0, 271.1)]
    yaws = (0.0, 0.02, 0.03)
    told = tell(*(Frame(ego=pose, ego_yaw=yaw) for pose, yaw in zip(poses, yaws, strict=True)))
    assert ego_only(told, "vx") == [0.0, 10.0, 15.0]
    assert ego_only(told, "vz") == [0.0, 0.0, 1.0]
    assert ego_only(told, "ax") == [0.0, 0.0, 50.0]
    assert ego_only(told, "z") == [271.0, 271.0, 271.1]
    assert ego_only(told, "yaw_rate") == [0.0, 0.2, 0.1]
    assert ego_only(told, "track_length") == [1, 2, 3]
    assert ego_only(told, "length") == [4.87] * 3
    assert {LABELS[int(index)] for index in ego_only(told, "label")} == {Label.EGO}
    assert ego_only(told, "label_probability") == [1.0] * 3
    assert ego_only(told, "range_m") == [0.0] * 3


def test_range_is_measured_in_the_plane() -> None:
    """Agents have no height; the ego's, 271 m, must not enter."""
    told = tell(Frame([Agent(x=3, y=4)], ego=(0, 0, 271)))
    assert agents_only(told, "range_m") == [5.0]
    assert agents_only(told, "z") == [0.0]


def test_a_track_stays_admitted_while_its_label_falls() -> None:
    """Held back until it is a car with 0.5, sent from then on, whatever becomes of it."""
    chances = [(Label.UNKNOWN, 1.0), (Label.CAR, 0.4), (Label.CAR, 0.5), (Label.CAR, 0.1), (Label.PEDESTRIAN, 0.9)]
    told = tell(*(Frame([Agent(label=label, probability=chance)]) for label, chance in chances))
    assert told.frame_index[~told.is_ego].tolist() == [2, 3, 4]
    assert agents_only(told, "track_length") == [3, 4, 5]
    assert agents_only(told, "label_probability") == [0.5, 0.1, 0.9]
    assert told.active_agent_count.tolist() == [0, 0, 1, 1, 1]
    assert (told.counts.held_back, told.counts.admitted) == (2, 3)


def test_the_first_admitted_row_knows_the_sightings_before_it() -> None:
    """Admission decides what is sent, not what is known."""
    told = tell(Frame([Agent(vx=5, label=Label.UNKNOWN)]), Frame([Agent(vx=4)]))
    assert agents_only(told, "ax") == [-10.0]


@pytest.mark.parametrize(
    ("label", "admitted"),
    [
        (Label.CAR, True),
        (Label.MOTORCYCLE, True),
        (Label.MOTORCYCLIST, True),
        (Label.EMERGENCY_VEHICLE, True),
        (Label.UNKNOWN, False),
        (Label.DONTCARE, False),
        (Label.PEDESTRIAN, False),
        (Label.CYCLIST, False),
        (Label.AVRESEARCH_DONTCARE, False),
    ],
)
def test_vehicles_are_admitted_and_nothing_else(label: Label, admitted: bool) -> None:
    """The default classes; `everything` admits each of them."""
    frame = Frame([Agent(label=label)])
    assert tell(frame).counts.admitted == admitted
    assert tell(frame, admission=Admission.everything()).counts.admitted == 1
    assert tell(frame, admission=Admission(classes=None, min_probability=1.0)).counts.admitted == 1


@pytest.mark.parametrize(
    "bad",
    [
        Agent(2, x=math.nan),
        Agent(2, y=-math.inf),
        Agent(2, vx=math.inf),
        Agent(2, vy=math.nan),
        Agent(2, yaw=math.nan),
        Agent(2, probability=math.nan),
        Agent(2, extent=(4.5, math.inf, 1.6)),
    ],
)
def test_a_row_that_is_not_finite_is_refused_and_counted(bad: Agent) -> None:
    """Its neighbours are unharmed, and its track goes on as if it had not been seen."""
    told = tell(Frame([Agent(1), Agent(2, vx=1)]), Frame([Agent(1), bad]), Frame([Agent(1), Agent(2, vx=3)]))
    assert told.track_id[~told.is_ego].tolist() == [1, 2, 1, 1, 2]
    assert told.counts.not_finite == 1
    assert told.counts.rejected == 1
    assert agents_only(told, "ax")[-1] == 10.0
    assert agents_only(told, "track_length") == [1, 1, 2, 3, 2]


def test_impossible_numbers_are_refused() -> None:
    """A place beyond the Earth, and a track id that int64 does not hold."""
    told = tell(Frame([Agent(1, x=1e9), Agent(2**63), Agent(3)]))
    assert told.track_id.tolist() == [0, 3]
    assert told.counts.out_of_range == 2


def test_a_track_twice_in_a_frame_counts_once() -> None:
    """The first row wins: two would share one event id."""
    told = tell(Frame([Agent(1, x=1), Agent(2), Agent(1, x=9)]), Frame([Agent(1, x=2)]))
    assert agents_only(told, "x") == [1.0, 0.0, 2.0]
    assert told.counts.duplicate == 1


def test_a_frame_with_an_unreadable_ego_keeps_its_agents() -> None:
    """Range is then to where the ego was last seen; the ego's own row is missing."""
    broken = (math.nan, 0.0, 0.0)
    told = tell(Frame(ego=(3, 0, 0)), Frame([Agent(x=7)], ego=broken), Frame(ego=(5, 0, 0)))
    assert told.is_ego.tolist() == [True, False, True]
    assert agents_only(told, "range_m") == [4.0]
    assert ego_only(told, "vx") == [0.0, 10.0]
    assert told.counts.ego_rejected == 1


def test_before_the_ego_is_ever_seen_nothing_is_sent() -> None:
    """There is no range to it, and a made-up one would be read as true."""
    told = tell(Frame([Agent()], ego=(math.inf, 0, 0)), Frame([Agent()]))
    assert told.row_offsets.tolist() == [0, 0, 2]
    assert told.counts.without_ego == 1


def test_minus_zero_is_zero_on_the_wire() -> None:
    """Also where rounding makes it: -0.0001 m/s."""
    told = tell(Frame([Agent(x=-0.0, vx=-0.0001, yaw=-0.0)]), Frame([Agent(vx=-0.0001)]))
    for name in TelemetryColumns.column_names():
        values = getattr(told, name)
        assert not np.signbit(values[values == 0]).any(), name


def test_event_times_are_whole_milliseconds_nearest_to_the_frames() -> None:
    """Computed in integers: nanoseconds since 1970 do not fit a float."""
    told = tell(Frame(dt_ns=0), Frame(dt_ns=STEP_NS - 192_277))
    assert told.event_time_ms.tolist() == [1_571_846_881_503, 1_571_846_881_602]
    assert START_NS // 1_000_000 == 1_571_846_881_502  # the first was rounded up


def test_probabilities_stay_within_the_contracts_bounds() -> None:
    """Sums of float32 come out above 1, where the contract ends."""
    assert agents_only(tell(Frame([Agent(probability=1.001)])), "label_probability") == [1.0]


@pytest.mark.parametrize(("start", "scene"), [(1, 0), (3, 0), (2, 1)])
def test_a_block_that_does_not_follow_is_refused(start: int, scene: int) -> None:
    """Repeating, skipping or changing scene would corrupt every derivative silently."""
    block = block_of([Frame([Agent()])] * 5)
    _, carry = normalize(cut(block, 0, 2), None, Admission(), PALO_ALTO)
    wrong = block_of([Frame([Agent()])], start=start, scene_index=scene)
    with pytest.raises(ValueError, match="expected frame 2 of scene 0 next"):
        normalize(wrong, carry, Admission(), PALO_ALTO)


def test_a_block_of_no_frames_is_no_frames() -> None:
    """The carry passes through."""
    block = block_of([Frame([Agent(vx=1)]), Frame([Agent(vx=2)])])
    _, carry = normalize(cut(block, 0, 1), None, Admission(), PALO_ALTO)
    nothing, carry = normalize(cut(block, 1, 1), carry, Admission(), PALO_ALTO)
    assert len(nothing) == 0
    assert nothing.row_offsets.tolist() == [0]
    told, _ = normalize(cut(block, 1, 2), carry, Admission(), PALO_ALTO)
    assert agents_only(told, "ax") == [10.0]
