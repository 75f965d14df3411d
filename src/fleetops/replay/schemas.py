"""What replay-service answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from fleetops.contracts.vocabulary import Purpose
from fleetops.dataset.golden_scenes import SceneDefinition
from fleetops.settings import RateHz

from .interventions import Deed, Intervention
from .request import Frame, SceneId, SessionId
from .sessions import SessionView
from .state import SessionStatus
from .timeline import Mode


class _Schema(BaseModel):
    model_config = ConfigDict(frozen=True)


class SessionRef(_Schema):
    """Which session is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session_id: SessionId


class RateChange(SessionRef):
    """Another rate for a session."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    replay_rate_hz: RateHz


class Step(SessionRef):
    """How far a paused session is to go."""

    frames: Annotated[int, Field(ge=1, le=1000, description="of each scene under way")] = 1


class Seek(SessionRef):
    """Where a session is to go on."""

    frame_index: Frame
    scene_id: Annotated[SceneId | None, Field(description="the one the session is in when left out")] = None


class Started(_Schema):
    """The session has begun."""

    session_id: str
    status: Literal["started"] = "started"


class Stopped(_Schema):
    """The session has ended."""

    session_id: str
    status: Literal["stopped"] = "stopped"


class SceneProgress(_Schema):
    """How far one scene of a session is."""

    scene_id: str
    current_frame: Annotated[int | None, Field(description="last frame sent by this process")]
    acknowledged_frame: Annotated[int | None, Field(description="last frame that Kafka has acknowledged")]
    ended: Annotated[bool, Field(description="its end is acknowledged, too")]


class InterventionState(_Schema):
    """What operators had a vehicle do in this session."""

    vehicle_id: str
    action: Annotated[Deed | None, Field(description="what it does now; none before it has begun")]
    from_frame: Annotated[int | None, Field(description="the first frame in which it does")]
    pending: Annotated[Deed | None, Field(description="what it does as soon as it can")]


class SessionState(_Schema):
    """A session as it stands."""

    session_id: str
    status: SessionStatus
    stop_requested: Annotated[bool, Field(description="it stops as soon as Kafka takes the ends of its scenes")]
    current_frame: Annotated[int | None, Field(description="last frame sent; of several scenes, the highest")]
    vehicles_active: Annotated[int, Field(description="vehicles shown in the last frame sent; 0 once it has ended")]
    records_sent: Annotated[int, Field(description="telemetry records that Kafka has acknowledged, each once")]
    replay_rate_hz: float
    mode: Mode
    purpose: Purpose
    dataset: str
    scenes: Annotated[list[SceneProgress], Field(description="those that have begun")]
    scene_ids: list[str]
    show_from: Annotated[dict[str, int], Field(description="by scene, the first frame that a review is to show")]
    interventions: Annotated[list[InterventionState], Field(description="of vehicles that left their recording")]
    parent_session: Annotated[str | None, Field(description="the session it was sought from, or reviews")]
    kafka_connected: Annotated[bool, Field(description="false while frames wait for Kafka; none is lost")]
    trouble: Annotated[str | None, Field(description="why nothing gets through to Kafka, where that is so")]
    reason: Annotated[str | None, Field(description="why it ended, where that was not asked for")]
    started_at: datetime
    paused_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, view: SessionView) -> Self:
        """The answer that says what `view` holds."""
        record, live = view.record, view.live
        begun = [scene for scene in record.request.scene_ids if scene in record.acked or scene in live.current_frames]
        current = live.current_frame if live.current_frame is not None else max(record.acked.values(), default=None)
        return cls(
            session_id=record.session_id,
            status=record.status,
            stop_requested=record.stop_requested,
            current_frame=current,
            vehicles_active=live.vehicles_active,
            records_sent=record.records_acked,
            replay_rate_hz=record.rate_hz,
            mode=record.request.mode,
            purpose=record.request.purpose,
            dataset=record.dataset,
            scenes=[
                SceneProgress(
                    scene_id=scene,
                    current_frame=live.current_frames.get(scene),
                    acknowledged_frame=record.acked.get(scene),
                    ended=scene in record.ended,
                )
                for scene in begun
            ],
            scene_ids=record.request.scene_ids,
            show_from={
                scene: part.show_from for scene, part in record.request.frames.items() if part.show_from is not None
            },
            interventions=[_state_of(one) for one in record.interventions.values() if one.manoeuvres],
            parent_session=record.parent_session,
            kafka_connected=live.trouble is None,
            trouble=live.trouble,
            reason=record.reason,
            started_at=record.started_at,
            paused_at=record.paused_at,
            ended_at=record.ended_at,
        )


def _state_of(intervention: Intervention) -> InterventionState:
    begun = intervention.begun
    return InterventionState(
        vehicle_id=intervention.vehicle_id,
        action=begun[-1].action if begun else None,
        from_frame=begun[-1].from_frame if begun else None,
        pending=intervention.pending.action if intervention.pending else None,
    )


class SessionList(_Schema):
    """Sessions, newest first, and where the next page begins."""

    sessions: list[SessionState]
    next: str | None


class Scene(_Schema):
    """A scene that can be replayed."""

    scene_id: str
    zarr_scene_index: int
    start_frame: int
    end_frame: Annotated[int, Field(description="the frame after the last")]
    frame_count: int
    description: str
    live_session_id: Annotated[str | None, Field(description="the live session that replays it now")]

    @classmethod
    def of(cls, scene: SceneDefinition, live_session_id: str | None) -> Self:
        """The answer that says what `scene` is."""
        return cls(
            scene_id=scene.scene_id,
            zarr_scene_index=scene.zarr_scene_index,
            start_frame=scene.start_frame,
            end_frame=scene.end_frame,
            frame_count=scene.end_frame - scene.start_frame,
            description=scene.description,
            live_session_id=live_session_id,
        )


class SceneList(_Schema):
    """Scenes in the dataset's order, and where the next page begins."""

    scenes: list[Scene]
    next: str | None
    has_map: Annotated[bool, Field(description="whether `GET /replay/map` has their roads")]


class Health(_Schema):
    """How the service is."""

    status: Annotated[Literal["healthy", "degraded"], Field(description="degraded: Kafka does not answer")]
    kafka_connected: bool
    version: str
    dataset: str
    scenes: int
    sessions_open: int
