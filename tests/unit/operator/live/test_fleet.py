"""The live fleet: newest frame wins, history is the last fifty, the silent go stale and then go."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from fleetops.operator.live import fleet as rules
from fleetops.operator.live.decode import epoch_ms
from fleetops.operator.live.fleet import LiveFleet

from .stories import EMITTED, marker, seen


def frames_of(fleet: LiveFleet, vehicle: str, limit: int = 50) -> list[int]:
    """The frames kept of a vehicle, oldest first."""
    kept: list[int] = fleet.history(fleet.tracks[vehicle], limit)["frame_index"].tolist()
    return kept


def shown(fleet: LiveFleet) -> dict[str, str]:
    """What the map says of each vehicle."""
    return {vehicle: "stale" if track.stale else "there" for vehicle, track in fleet.tracks.items()}


def test_the_newest_frame_is_shown() -> None:
    """A vehicle is where its last frame says, and only what changed is told again."""
    fleet = LiveFleet()
    fleet.apply([*seen("a", 0, x=1.0).messages, *seen("a", 1, x=2.0).messages, *seen("b", 1, x=9.0).messages], 0.0)
    moves = fleet.take_moves()
    assert [track.vehicle_id for track in moves.tracks] == ["a", "b"]
    assert fleet.latest(moves.tracks)["x"].tolist() == [2.0, 9.0]
    fleet.apply(seen("b", 2).messages, 0.1)
    assert [track.vehicle_id for track in fleet.take_moves().tracks] == ["b"]
    assert not fleet.moved


@given(order=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200)), max_size=400), size=st.integers(1, 90))
def test_columns_equal_a_plain_dictionary(order: list[tuple[str, int]], size: int) -> None:
    """However records are batched, duplicated or late: what is kept is each vehicle's last 50 accepted frames."""
    fleet, plain = LiveFleet(), dict[str, list[int]]()
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        fleet.apply([message for vehicle, frame in batch for message in seen(vehicle, frame).messages], 0.0)
        for vehicle, frame in batch:
            kept = plain.setdefault(vehicle, [])
            if not kept or frame > kept[-1]:
                kept.append(frame)
    assert {vehicle: frames_of(fleet, vehicle) for vehicle in plain} == {
        vehicle: kept[-50:] for vehicle, kept in plain.items()
    }


def test_many_vehicles_make_room_and_leave_it() -> None:
    """The columns grow with the fleet, and a place that became free is used again."""
    fleet = LiveFleet()
    for wave in range(3):
        session = f"s{wave}"
        fleet.apply([m for i in range(300) for m in seen(f"v{i}", wave, session=session, x=float(i)).messages], 0.0)
    assert len(fleet.tracks) == 300
    assert len(fleet.frames) == 512
    tracks = [fleet.tracks[f"v{i}"] for i in range(300)]
    assert fleet.latest(tracks)["x"].tolist() == [float(i) for i in range(300)]
    assert len({track.slot for track in tracks}) == 300


def test_a_newer_session_replaces_the_older_one_of_its_scene() -> None:
    """A second replay begins with an empty scene, and stragglers of the first change nothing."""
    fleet = LiveFleet()
    fleet.apply([*seen("a", 90).messages, *seen("b", 90).messages], 0.0)
    fleet.take_moves()
    fleet.apply(seen("a", 0, session="s2").messages, 1.0)
    moves = fleet.take_moves()
    assert moves.gone == ["b"]
    assert frames_of(fleet, "a") == [0]
    fleet.apply([*seen("a", 91, session="s1").messages, *seen("b", 91, session="s1").messages, marker(91)], 1.1)
    assert frames_of(fleet, "a") == [0]
    assert "b" not in fleet.tracks
    assert fleet.late == 2


def test_a_vehicle_of_a_replay_is_judged_by_its_scenes_frames() -> None:
    """Whatever the rate: five missed frames make it stale, thirty make it go."""
    fleet = LiveFleet()
    fleet.apply([*seen("a", 0).messages, *seen("b", 0).messages], 0.0)
    for frame in range(rules.GONE_FRAMES + 2):
        fleet.apply([*seen("b", frame).messages, marker(frame)], 0.001 * frame)
        fleet.sweep(0.001 * frame)
        expected = "gone" if frame > rules.GONE_FRAMES else "stale" if frame > rules.STALE_FRAMES else "there"
        assert shown(fleet).get("a", "gone") == expected, frame
    assert "a" in fleet.take_moves().gone
    assert fleet.scenes["scene_001"].vehicles == 1


def test_a_paused_replay_turns_stale_but_stays() -> None:
    """A session that says nothing keeps its vehicles on the map, marked as old, until it is given up."""
    fleet = LiveFleet()
    fleet.apply([*seen("a", 0).messages, marker(0)], 0.0)
    fleet.sweep(rules.STALE_S + 0.1)
    assert shown(fleet) == {"a": "stale"}
    fleet.sweep(rules.ABANDONED_S - 1)
    assert shown(fleet) == {"a": "stale"}
    fleet.apply([*seen("a", 1).messages, marker(1)], rules.ABANDONED_S)
    assert shown(fleet) == {"a": "there"}
    fleet.sweep(2 * rules.ABANDONED_S + 1)
    assert (shown(fleet), fleet.scenes) == ({}, {})


def test_a_scene_that_ended_is_shown_a_little_longer() -> None:
    """The last picture stays for ten seconds, then scene and vehicles go."""
    fleet = LiveFleet()
    fleet.apply([*seen("a", 0).messages, marker(0), marker(0, kind="scene_end")], 0.0)
    fleet.sweep(rules.ENDED_S - 0.1)
    assert "a" in fleet.tracks
    fleet.sweep(rules.ENDED_S + 0.1)
    assert (shown(fleet), fleet.scenes) == ({}, {})


def test_an_end_is_kept_until_it_is_written_down() -> None:
    """The picture goes after ten seconds, or with a newer session; the end is known until taken, or long past."""
    fleet = LiveFleet()
    fleet.apply([marker(0), marker(0, kind="scene_end"), marker(0, session="s2")], 0.0)
    fleet.sweep(rules.ENDED_S + 0.1)
    fleet.sweep(rules.ABANDONED_S - 0.1)
    assert list(fleet.ended) == [("s1", "scene_001")]
    fleet.sweep(rules.ABANDONED_S + 0.1)
    assert fleet.ended == {}


def test_a_live_vehicle_without_markers_is_judged_by_the_clock() -> None:
    """Nobody counts frames for it: silence is measured in seconds."""
    fleet = LiveFleet()
    fleet.apply(seen("a", 0).messages, 0.0)
    fleet.sweep(rules.STALE_S - 0.1)
    assert shown(fleet) == {"a": "there"}
    fleet.sweep(rules.STALE_S + 0.1)
    assert shown(fleet) == {"a": "stale"}
    fleet.sweep(rules.GONE_S + 0.1)
    assert shown(fleet) == {}


def test_the_newest_emission_is_told_with_what_moved() -> None:
    """The console's delay is measured from it."""
    fleet = LiveFleet()
    fleet.apply([*seen("a", 5).messages, *seen("b", 2).messages], 0.0)
    assert fleet.take_moves().emitted_ms == epoch_ms(EMITTED) + 500
    assert fleet.take_moves().emitted_ms is None
