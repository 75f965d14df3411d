"""What a session was asked to do: the body of a start request, kept in the journal as it came."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fleetops.contracts.vocabulary import Purpose
from fleetops.settings import RateHz

from .timeline import Mode

SceneId = Annotated[str, Field(min_length=1, max_length=200)]
SessionId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="letters, digits, `.`, `_`, `-`")
]
Frame = Annotated[int, Field(ge=0, lt=2**30)]


class FrameInterval(BaseModel):
    """Frames [`start_frame`, `end_frame`) of a scene, counted from its first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_frame: Frame
    end_frame: Frame
    show_from: Annotated[
        Frame | None,
        Field(
            description="of a review: frames before this one only prepare detection, "
            "and are sent as fast as Kafka takes them"
        ),
    ] = None


class ReplayRequest(BaseModel):
    """Which scenes to replay, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    scene_ids: Annotated[
        list[SceneId], Field(min_length=1, max_length=20_000, description="in this order", examples=[["scene_00000"]])
    ]
    replay_rate_hz: Annotated[RateHz | None, Field(description="the setting `replay.rate_hz` when left out")] = None
    session_id: Annotated[SessionId | None, Field(description="a new uuid when left out")] = None
    mode: Mode = Mode.SEQUENTIAL
    purpose: Purpose = Purpose.LIVE
    frames: Annotated[dict[SceneId, FrameInterval], Field(description="part of a scene instead of all of it")] = {}

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if len(set(self.scene_ids)) != len(self.scene_ids):
            raise ValueError("a scene is named twice; the second would be taken for a repetition of the first")
        if extra := self.frames.keys() - set(self.scene_ids):
            raise ValueError(f"frames are given for scenes that are not asked for: {', '.join(sorted(extra))}")
        if self.purpose is not Purpose.REVIEW and any(part.show_from is not None for part in self.frames.values()):
            raise ValueError("show_from is for purpose `review`; a live session shows all it sends")
        return self
