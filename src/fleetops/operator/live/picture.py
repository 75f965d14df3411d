"""The fleet as consoles are told of it: flat columns, rounded to what a map can show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from pydantic import JsonValue

from fleetops.contracts.wire import format_epoch_ms, utc_from_ms

from .events import Positions, SceneProgress
from .fleet import LiveFleet, Moves, Track

_DEGREE_DECIMALS = 7  # 1 cm
_YAW_DECIMALS = 3  # a twentieth of a degree
_METRE_DECIMALS = 2

Columns = dict[str, list[str] | list[float] | list[int] | list[bool]]


def columns(fleet: LiveFleet, tracks: Sequence[Track]) -> Columns:
    """`tracks` as the fields of `Positions`."""
    latest = fleet.latest(tracks)
    return {
        "vehicle_id": [track.vehicle_id for track in tracks],
        "lon": np.round(latest["lon"], _DEGREE_DECIMALS).tolist(),
        "lat": np.round(latest["lat"], _DEGREE_DECIMALS).tolist(),
        "yaw": np.round(latest["yaw"], _YAW_DECIMALS).tolist(),
        "speed": np.round(latest["speed"], _METRE_DECIMALS).tolist(),
        "length": [round(track.length, _METRE_DECIMALS) for track in tracks],
        "width": [round(track.width, _METRE_DECIMALS) for track in tracks],
        "frame_index": latest["frame_index"].tolist(),
        "stale": [track.stale for track in tracks],
    }


NOWHERE: Final = Positions.model_validate({name: [] for name in Positions.model_fields})
"""The positions of a snapshot for whoever gets them as a binary frame right after it."""


def positions(fleet: LiveFleet) -> Positions:
    """Where every vehicle is."""
    return Positions.model_validate(columns(fleet, list(fleet.tracks.values())))


def progress(fleet: LiveFleet) -> list[SceneProgress]:
    """How far every session is."""
    return [
        SceneProgress(
            replay_session_id=scene.session,
            scene_id=scene.scene_id,
            frame_index=scene.frame_index,
            event_time=utc_from_ms(scene.event_time_ms),
            replay_rate_hz=scene.rate_hz,
            vehicles=scene.vehicles,
            ended=scene.ended_s is not None,
        )
        for scene in fleet.scenes.values()
    ]


def encode_names(tracks: Sequence[Track]) -> str:
    """A `vehicles_named` event: what binary frames call `tracks`."""
    event = {
        "type": "vehicles_named",
        "id": [track.number for track in tracks],
        "vehicle_id": [track.vehicle_id for track in tracks],
        "length": [round(track.length, _METRE_DECIMALS) for track in tracks],
        "width": [round(track.width, _METRE_DECIMALS) for track in tracks],
    }
    return msgspec.json.encode(event).decode()


def encode_progress(fleet: LiveFleet, server_ms: int) -> str:
    """A `scenes_progressed` event, which goes with binary frames."""
    scenes: list[JsonValue] = [scene.model_dump(mode="json") for scene in progress(fleet)]
    event = {"type": "scenes_progressed", "server_time": format_epoch_ms(server_ms), "scenes": scenes}
    return msgspec.json.encode(event).decode()


def encode_moves(fleet: LiveFleet, moves: Moves, server_ms: int) -> str:
    """A `vehicles_moved` event of what changed. Encoded once, however many consoles there are."""
    return _encode(fleet, moves.tracks, moves.gone, moves.emitted_ms, server_ms, full=False)


def encode_all(fleet: LiveFleet, emitted_ms: int | None, server_ms: int) -> str:
    """A `vehicles_moved` event of every vehicle, for a console that missed some."""
    return _encode(fleet, list(fleet.tracks.values()), [], emitted_ms, server_ms, full=True)


def _encode(
    fleet: LiveFleet, tracks: Sequence[Track], gone: list[str], emitted_ms: int | None, server_ms: int, *, full: bool
) -> str:
    # pydantic would validate every number of every column first: 10 times the CPU, ten times a second.
    scenes: list[JsonValue] = [scene.model_dump(mode="json") for scene in progress(fleet)]
    event = {
        "type": "vehicles_moved",
        "server_time": format_epoch_ms(server_ms),
        "emitted_at": None if emitted_ms is None else format_epoch_ms(emitted_ms),
        "full": full,
        "positions": columns(fleet, tracks),
        "gone": gone,
        "scenes": scenes,
    }
    return msgspec.json.encode(event).decode()
