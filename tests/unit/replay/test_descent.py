"""Which frames a session has that comes of another."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fleetops.contracts.vocabulary import Purpose
from fleetops.dataset.golden_scenes import SceneDefinition
from fleetops.errors import UnknownSceneError
from fleetops.replay.descent import Moment, review_of, scene_at, sought
from fleetops.replay.request import FrameInterval, ReplayRequest
from fleetops.replay.timeline import Mode, SceneSpan

SCENE = SceneDefinition("scene_1", 1, 0, 600, "")
SPANS = [SceneSpan("scene_1", 1, 0, 600), SceneSpan("scene_2", 2, 100, 300), SceneSpan("scene_3", 3, 0, 250)]


def origin(mode: Mode) -> ReplayRequest:
    """Three scenes, of the second one a part."""
    part = FrameInterval(start_frame=100, end_frame=300)
    return ReplayRequest(scene_ids=["scene_1", "scene_2", "scene_3"], mode=mode, frames={"scene_2": part})


def frames_of(request: ReplayRequest) -> dict[str, tuple[int, int]]:
    """What is asked of each scene."""
    return {scene: (part.start_frame, part.end_frame) for scene, part in request.frames.items()}


def test_in_sequence_a_seek_leaves_out_the_scenes_before() -> None:
    """It goes on at the frame, and then with all of the scenes behind."""
    request = sought(origin(Mode.SEQUENTIAL), SPANS, "scene_2", 150, 5.0)
    assert frames_of(request) == {"scene_2": (150, 300), "scene_3": (0, 250)}
    assert (request.mode, request.replay_rate_hz, request.session_id) == (Mode.SEQUENTIAL, 5.0, None)


def test_together_scenes_stay_in_step() -> None:
    """220 frames into the first is 220 into each, and past the end of the second."""
    request = sought(origin(Mode.CONCURRENT), SPANS, "scene_1", 220, 10.0)
    assert frames_of(request) == {"scene_1": (220, 600), "scene_3": (220, 250)}
    back = sought(origin(Mode.CONCURRENT), SPANS, "scene_3", 40, 10.0)
    assert frames_of(back) == {"scene_1": (40, 600), "scene_2": (140, 300), "scene_3": (40, 250)}


@pytest.mark.parametrize(("scene", "frame"), [("scene_2", 99), ("scene_2", 300), ("scene_4", 0)])
def test_a_seek_to_what_is_not_replayed_says_what_is(scene: str, frame: int) -> None:
    """Other frames, or another scene."""
    with pytest.raises(UnknownSceneError, match=r"the session replays"):
        sought(origin(Mode.SEQUENTIAL), SPANS, scene, frame, 10.0)


@pytest.mark.parametrize(
    ("frame", "part"),
    [(400, (100, 350, 500)), (10, (0, 0, 110)), (270, (0, 220, 370)), (599, (299, 549, 600))],
)
def test_a_review_prepares_for_25_s_and_shows_from_5_s_before(frame: int, part: tuple[int, int, int]) -> None:
    """As far as the scene has them."""
    request = review_of(Moment(scene_id="scene_1", frame_index=frame), SCENE)
    interval = request.frames["scene_1"]
    assert (interval.start_frame, interval.show_from, interval.end_frame) == part
    assert request.purpose is Purpose.REVIEW


def test_only_a_review_hides_frames() -> None:
    """A live session shows all it sends."""
    part = FrameInterval(start_frame=0, end_frame=10, show_from=5)
    with pytest.raises(ValidationError, match="show_from is for purpose `review`"):
        ReplayRequest(scene_ids=["scene_1"], frames={"scene_1": part})


@pytest.mark.parametrize(
    ("begun", "ended", "scene"),
    [((), (), "a"), (("a",), (), "a"), (("a", "b"), ("a",), "b"), (("a", "b", "c"), ("c",), "b"), ("abc", "abc", "a")],
)
def test_a_seek_without_a_scene_is_in_the_one_under_way(
    begun: tuple[str, ...], ended: tuple[str, ...], scene: str
) -> None:
    """The last that has begun and not ended; the first before anything has."""
    assert scene_at(["a", "b", "c"], begun, ended) == scene
