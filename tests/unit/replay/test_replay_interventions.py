"""Commands in any order, and what the journal keeps of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.replay.orders import PULL_OVER, RESUME, action_on, command

from fleetops.contracts.vocabulary import ActionType
from fleetops.replay.interventions import Deed, Intervention, addressed, deed_of, obey

ASSIST, CLOSE = ActionType.REQUEST_REMOTE_ASSIST, ActionType.CLOSE_REMOTE_ASSIST
UNTOUCHED = Intervention(vehicle_id="scene_1_track_4", scene_id="scene_1", track_id=4, sequence=0)


@given(
    deeds=st.lists(st.sampled_from([PULL_OVER, RESUME, None]), max_size=6),
    begins=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_the_newest_command_wins_whatever_the_order(deeds: list[Deed | None], begins: list[bool]) -> None:
    """Delivered in order and twice over, the last deed is what the vehicle does or is about to do; old news is none."""
    known, frame = UNTOUCHED, 10
    numbered = list(enumerate(deeds, 1))
    for at, (sequence, deed) in enumerate(each for each in numbered for _ in range(2)):
        after = obey(known, deed, sequence)
        if sequence <= known.sequence:
            assert after is known
        known = after
        if known.pending is not None and begins[at]:
            frame += 1
            known = known.begin(frame)
    for sequence, deed in numbered:
        assert obey(known, deed, sequence) is known
    told = [deed for deed in deeds if deed is not None]
    last = known.manoeuvres[-1].action if known.manoeuvres else RESUME
    assert last == (told[-1] if told else RESUME)
    actions = [one.action for one in known.manoeuvres]
    assert actions == [PULL_OVER if at % 2 == 0 else RESUME for at in range(len(actions))]
    frames = [one.from_frame for one in known.begun]
    assert frames == sorted(frames, key=lambda one: one or 0)


def test_a_resume_that_overtook_its_pull_over_cancels_it() -> None:
    """The topic gives no order: the pull-over that comes behind is older, and not obeyed."""
    resumed = obey(UNTOUCHED, RESUME, 2)
    assert obey(resumed, PULL_OVER, 1) is resumed
    assert not resumed.manoeuvres


def test_an_assist_that_overtook_a_pull_over_does_not_take_it_away() -> None:
    """An assist moves nothing, so the older command behind it is no old news; a resume in its place would be."""
    assisted = obey(UNTOUCHED, None, 2)
    stands = obey(assisted, PULL_OVER, 1)
    assert stands.pending is not None
    assert stands.pending.action is PULL_OVER
    assert obey(obey(stands, None, 4), RESUME, 3).manoeuvres == []


@pytest.mark.parametrize(
    ("action", "ended", "deed"),
    [
        (PULL_OVER, None, PULL_OVER),
        (RESUME, None, RESUME),
        (RESUME, [PULL_OVER, ASSIST], RESUME),
        (RESUME, [ASSIST], None),
        (ASSIST, None, None),
        (CLOSE, [ASSIST], None),
        (CLOSE, [ASSIST, PULL_OVER], RESUME),
        (CLOSE, None, None),
    ],
)
def test_what_a_command_has_its_vehicle_do(
    action: ActionType, ended: list[ActionType] | None, deed: ActionType | None
) -> None:
    """An assist moves nothing, and a vehicle that was pulled over stands until that very intervention ends."""
    assert deed_of(action, command(1, ended)) == deed


@pytest.mark.parametrize(
    ("vehicle_id", "scene_id", "track_id"),
    [
        ("scene_1_track_4", "scene_1", 4),
        ("scene_1_ego", "scene_1", None),
        ("a_track_2_track_3", "a_track_2", 3),
    ],
)
def test_a_command_finds_its_vehicle(vehicle_id: str, scene_id: str, track_id: int | None) -> None:
    """By the scenes of the session, whatever they are called."""
    found = addressed(action_on(vehicle_id), ["a", "a_track_2", "scene_1", "scene_11"])
    assert found == Intervention(vehicle_id=vehicle_id, scene_id=scene_id, track_id=track_id, sequence=0)


@pytest.mark.parametrize("vehicle_id", ["scene_2_track_4", "scene_1_track_x", "scene_1_track_²", "scene_1", "ego"])
def test_a_vehicle_of_another_scene_is_not_found(vehicle_id: str) -> None:
    """Nor one whose name makes no sense."""
    assert addressed(action_on(vehicle_id), ["scene_1"]) is None
