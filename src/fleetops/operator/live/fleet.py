"""The fleet as it is now: latest state and last frames of every vehicle, in columns.

No I/O and no clock: batches and the time come in as values. One thread uses it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .decode import Marker, Sighting, epoch_ms

HISTORY_FRAMES: Final = 50
STALE_FRAMES: Final = 5  # frames of its scene that a vehicle misses until it is shown as stale
GONE_FRAMES: Final = 30  # and until it goes: 3 s at 10 Hz
STALE_S: Final = 3.0  # of silence by wall clock: a paused session, a dead pipeline, or a vehicle without markers
GONE_S: Final = 30.0  # a vehicle without markers
ENDED_S: Final = 10.0  # after the end of its scene, so that the last picture can be looked at
ABANDONED_S: Final = 900.0  # a session this long silent; replay-service ends a paused one after 600 s

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

FRAME: Final = np.dtype(
    [
        ("frame_index", "i4"),
        ("event_time_ms", "i8"),
        ("lon", "f8"),
        ("lat", "f8"),
        ("x", "f8"),
        ("y", "f8"),
        ("yaw", "f8"),
        ("speed", "f8"),
        ("acceleration", "f8"),
        ("label_probability", "f8"),
    ]
)
_FrameRow = tuple[int, int, float, float, float, float, float, float, float, float]
_Superseded = deque[tuple[str, str]]


@dataclass(slots=True)
class Track:
    """One vehicle of one session. Its frames are in `LiveFleet.frames[slot]`, newest at `position`."""

    vehicle_id: str
    scene_id: str
    track_id: int
    session: str
    slot: int
    number: int = 0
    """What binary frames call it: given once, to this vehicle in this session, by this replica."""
    label: str = ""
    length: float = 0.0
    width: float = 0.0
    count: int = 0
    last_frame: int = -1
    seen_s: float = 0.0
    stale: bool = False

    @property
    def position(self) -> int:
        """Where in its ring the newest frame is."""
        return (self.count - 1) % HISTORY_FRAMES


@dataclass(slots=True)
class Scene:
    """How far a session is in a scene."""

    session: str
    scene_id: str
    first_emitted_ms: int
    frame_index: int = 0
    event_time_ms: int = 0
    rate_hz: float = 0.0
    has_markers: bool = False
    seen_s: float = 0.0
    ended_s: float | None = None
    vehicles: int = 0


@dataclass(slots=True)
class Moves:
    """What changed since the last time one asked."""

    tracks: list[Track]
    gone: list[str]
    emitted_ms: int | None
    new: list[Track]
    """Of those, who has not been told of before."""
    gone_numbers: list[int]


@dataclass(slots=True)
class LiveFleet:
    """Everything that is known of where vehicles are."""

    frames: NDArray[np.void] = field(default_factory=lambda: np.zeros((64, HISTORY_FRAMES), FRAME))
    tracks: dict[str, Track] = field(default_factory=dict)
    scenes: dict[str, Scene] = field(default_factory=dict)
    ended: dict[tuple[str, str], Scene] = field(default_factory=dict)
    """By (session, scene), what ended and is not written down yet. Whoever writes takes it out."""
    late: int = 0
    _free: list[int] = field(default_factory=lambda: list(range(63, -1, -1)))
    _superseded: _Superseded = field(default_factory=lambda: deque(maxlen=1000))
    _dirty: dict[str, Track] = field(default_factory=dict)
    _gone: dict[str, None] = field(default_factory=dict)
    _new: dict[int, Track] = field(default_factory=dict)
    _gone_numbers: list[int] = field(default_factory=list)
    _last_number: int = 0
    _emitted: datetime | None = None

    def apply(self, messages: Iterable[Sighting | Marker], now_s: float) -> None:
        """Take in a batch received at `now_s` (monotonic seconds).

        A frame that is not newer than what is known of its vehicle is dropped, and so is
        whatever comes from a session that a newer one of its scene has replaced.
        """
        rows: list[_FrameRow] = []
        slots: list[int] = []
        positions: list[int] = []
        event_time, event_time_ms = _NEVER, 0  # a frame's records share it: converted once, not once each
        for message in messages:
            if isinstance(message, Marker):
                self._mark(message, now_s)
                continue
            track = self._track(message, now_s)
            if track is None:
                self.late += 1
                continue
            if message.event_time != event_time:
                event_time, event_time_ms = message.event_time, epoch_ms(message.event_time)
            told = message.telemetry
            rows.append(
                (
                    message.frame_index,
                    event_time_ms,
                    told.geo.lon,
                    told.geo.lat,
                    told.position.x,
                    told.position.y,
                    told.yaw,
                    told.velocity.magnitude,
                    told.acceleration.magnitude,
                    told.label_probability,
                )
            )
            slots.append(track.slot)
            positions.append(track.position)
        if rows:
            # More than a ring's worth of one vehicle in a batch repeats a place: numpy keeps the last, as it should be.
            self.frames[slots, positions] = np.array(rows, FRAME)

    def sweep(self, now_s: float) -> None:
        """Find out who is stale and who is gone."""
        for scene in self.scenes.values():
            scene.vehicles = 0
        for track in list(self.tracks.values()):
            scene = self.scenes[track.scene_id]
            if _is_gone(track, scene, now_s):
                self._forget(track)
                continue
            stale = _is_stale(track, scene, now_s)
            scene.vehicles += not stale
            if stale != track.stale:
                track.stale = stale
                self._dirty[track.vehicle_id] = track
        for scene_id, scene in list(self.scenes.items()):
            over = scene.ended_s is not None and now_s - scene.ended_s > ENDED_S
            if over or now_s - scene.seen_s > ABANDONED_S:
                del self.scenes[scene_id]
        for key, scene in list(self.ended.items()):
            if scene.ended_s is not None and now_s - scene.ended_s > ABANDONED_S:
                del self.ended[key]  # on a replica that does not write; one that does finds it absent

    def take_moves(self) -> Moves:
        """What changed since the last call."""
        emitted_ms = None if self._emitted is None else epoch_ms(self._emitted)
        moves = Moves(
            list(self._dirty.values()), list(self._gone), emitted_ms, list(self._new.values()), self._gone_numbers
        )
        self._dirty, self._gone, self._emitted = {}, {}, None
        self._new, self._gone_numbers = {}, []
        return moves

    @property
    def moved(self) -> bool:
        """Whether `take_moves` would bring anything."""
        return bool(self._dirty or self._gone)

    def latest(self, tracks: Sequence[Track]) -> NDArray[np.void]:
        """The newest frame of each of `tracks`."""
        return self.frames[[track.slot for track in tracks], [track.position for track in tracks]]

    def history(self, track: Track, limit: int) -> NDArray[np.void]:
        """The last `limit` frames of `track` at most, oldest first."""
        kept = min(track.count, HISTORY_FRAMES, limit)
        history: NDArray[np.void] = self.frames[track.slot][np.arange(track.count - kept, track.count) % HISTORY_FRAMES]
        return history

    def _mark(self, marker: Marker, now_s: float) -> None:
        scene = self._scene(marker, marker.replay_session_id, now_s)
        if scene is None:
            return
        scene.has_markers = True
        scene.rate_hz = marker.replay_rate
        if marker.frame_index >= scene.frame_index:
            scene.frame_index, scene.event_time_ms = marker.frame_index, epoch_ms(marker.event_time)
        if marker.kind == "scene_end" and scene.ended_s is None:
            scene.ended_s = now_s
            self.ended[scene.session, scene.scene_id] = scene

    def _scene(self, message: Sighting | Marker, session: str, now_s: float) -> Scene | None:
        scene_id = message.scene_id
        scene = self.scenes.get(scene_id)
        if scene is not None and scene.session != session:
            if (session, scene_id) in self._superseded:
                return None
            self._superseded.append((scene.session, scene_id))
            for track in [track for track in self.tracks.values() if track.scene_id == scene_id]:
                self._forget(track)
            scene = None
        if scene is None:
            scene = self.scenes[scene_id] = Scene(session, scene_id, epoch_ms(message.processing_time))
        scene.seen_s = now_s
        return scene

    def _track(self, seen: Sighting, now_s: float) -> Track | None:
        scene = self._scene(seen, seen.metadata.replay_session_id, now_s)
        if scene is None:
            return None
        track = self.tracks.get(seen.vehicle_id)
        if track is None:
            self._last_number += 1
            number = self._last_number
            track = Track(seen.vehicle_id, seen.scene_id, seen.track_id, scene.session, self._slot(), number)
            self.tracks[seen.vehicle_id] = self._new[number] = track
            self._gone.pop(seen.vehicle_id, None)
        elif seen.frame_index <= track.last_frame:
            return None
        if not scene.has_markers and seen.frame_index > scene.frame_index:
            scene.frame_index, scene.event_time_ms = seen.frame_index, epoch_ms(seen.event_time)
            scene.rate_hz = seen.metadata.replay_rate
        track.count += 1
        track.last_frame = seen.frame_index
        track.seen_s = now_s
        track.stale = False
        track.label = seen.telemetry.label
        track.length, track.width = seen.telemetry.extent.length, seen.telemetry.extent.width
        if self._emitted is None or seen.processing_time > self._emitted:
            self._emitted = seen.processing_time
        self._dirty[track.vehicle_id] = track
        return track

    def _slot(self) -> int:
        if not self._free:
            before = len(self.frames)
            self.frames = np.concatenate([self.frames, np.zeros_like(self.frames)])
            self._free = list(range(2 * before - 1, before - 1, -1))
        return self._free.pop()

    def _forget(self, track: Track) -> None:
        del self.tracks[track.vehicle_id]
        self._free.append(track.slot)
        self._dirty.pop(track.vehicle_id, None)
        self._gone[track.vehicle_id] = None
        self._new.pop(track.number, None)
        self._gone_numbers.append(track.number)  # a new one's too: a console that began just now was given it


def _is_stale(track: Track, scene: Scene, now_s: float) -> bool:
    if scene.has_markers and scene.frame_index - track.last_frame > STALE_FRAMES:
        return True
    return now_s - (scene.seen_s if scene.has_markers else track.seen_s) > STALE_S


def _is_gone(track: Track, scene: Scene, now_s: float) -> bool:
    if scene.ended_s is not None and now_s - scene.ended_s > ENDED_S:
        return True
    if not scene.has_markers:
        return now_s - track.seen_s > GONE_S
    return scene.frame_index - track.last_frame > GONE_FRAMES or now_s - scene.seen_s > ABANDONED_S
