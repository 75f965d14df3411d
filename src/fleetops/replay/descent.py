"""Sessions that come of others: one that was sought in, and the review of a moment. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from fleetops.contracts.vocabulary import Purpose
from fleetops.dataset.golden_scenes import SceneDefinition
from fleetops.errors import UnknownSceneError
from fleetops.settings import RateHz

from .interventions import Intervention
from .request import Frame, FrameInterval, ReplayRequest, SceneId, SessionId
from .state import SessionStatus
from .timeline import Mode, SceneSpan

FRAMES_PER_S: Final = 10
"""Of L5Kit's recordings."""

PREPARED_S: Final = 30
"""A review begins so long before its moment: more than detection remembers, so it finds the same again."""

SHOWN_BEFORE_S: Final = 5
SHOWN_AFTER_S: Final = 10


@dataclass(frozen=True, slots=True)
class Descent:
    """What a session has from the one it comes of."""

    parent_session: str | None = None
    origin: ReplayRequest | None = None
    status: SessionStatus = SessionStatus.RUNNING
    interventions: dict[str, Intervention] = field(default_factory=dict)


NO_DESCENT: Final = Descent()


class Moment(BaseModel):
    """A frame of a scene that someone wants to see again."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    scene_id: SceneId
    frame_index: Frame
    session_id: Annotated[
        SessionId | None, Field(description="the session it was in: what operators did there is shown, too")
    ] = None
    replay_rate_hz: Annotated[RateHz | None, Field(description="the setting `replay.rate_hz` when left out")] = None


def review_of(moment: Moment, scene: SceneDefinition) -> ReplayRequest:
    """The request for a session that shows `moment`, from 5 s before it, prepared by the 25 s before that.

    Raises:
        UnknownSceneError: the scene has no such frame.
    """
    at, first, end = moment.frame_index, scene.start_frame, scene.end_frame
    if not first <= at < end:
        raise UnknownSceneError(f"{scene.scene_id} holds frames [{first}, {end}); {at} was asked for")
    part = FrameInterval(
        start_frame=max(first, at - PREPARED_S * FRAMES_PER_S),
        end_frame=min(end, at + SHOWN_AFTER_S * FRAMES_PER_S),
        show_from=max(first, at - SHOWN_BEFORE_S * FRAMES_PER_S),
    )
    return ReplayRequest(
        scene_ids=[scene.scene_id],
        frames={scene.scene_id: part},
        purpose=Purpose.REVIEW,
        replay_rate_hz=moment.replay_rate_hz,
    )


def scene_at(scene_ids: Sequence[str], begun: Collection[str], ended: Collection[str]) -> str:
    """The scene that a session is in: the last one that has begun and not ended."""
    return next((scene for scene in reversed(scene_ids) if scene in begun and scene not in ended), scene_ids[0])


def sought(
    origin: ReplayRequest, spans: Sequence[SceneSpan], scene_id: str, frame_index: int, rate_hz: float
) -> ReplayRequest:
    """The request for a session that is like `origin`, whose frames are `spans`, but begins at a frame of a scene.

    In sequence, the scenes before it are left out. Together, all scenes begin as far from their
    own first frames, and those that are shorter are left out.

    Raises:
        UnknownSceneError: the session has no such scene, or the scene no such frame.
    """
    places = {span.scene_id: at for at, span in enumerate(spans)}
    if scene_id not in places:
        raise UnknownSceneError(f"the session replays {', '.join(places)}; {scene_id} is none of them")
    at = places[scene_id]
    if not spans[at].start_frame <= frame_index < spans[at].end_frame:
        raise UnknownSceneError(
            f"the session replays frames [{spans[at].start_frame}, {spans[at].end_frame}) of {scene_id}; "
            f"{frame_index} was asked for"
        )
    if origin.mode is Mode.SEQUENTIAL:
        left = {span.scene_id: (span.start_frame, span.end_frame) for span in spans[at:]}
        left[scene_id] = (frame_index, spans[at].end_frame)
    else:
        offset = frame_index - spans[at].start_frame
        left = {
            span.scene_id: (span.start_frame + offset, span.end_frame)
            for span in spans
            if span.start_frame + offset < span.end_frame
        }
    return ReplayRequest(
        scene_ids=list(left),
        frames={scene_id: FrameInterval(start_frame=start, end_frame=end) for scene_id, (start, end) in left.items()},
        mode=origin.mode,
        purpose=origin.purpose,
        replay_rate_hz=rate_hz,
    )
