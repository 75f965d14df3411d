"""From records of one partition to what the engine reads: decoded, numbered, in order.

The loop in `read` runs once per message of the whole fleet, so it is written for that: the
scene of the last record is at hand, and a record of it costs one look-up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from fleetops.bus.records import Record, header
from fleetops.contracts import ids
from fleetops.contracts.vocabulary import Label, MessageKind
from fleetops.errors import ContractError

from .decode import MarkerView, TelemetryView, decode_marker, decode_telemetry, epoch_ms
from .engine import Engine
from .evidence import SceneFacts, SceneKey
from .self_clock import Tick, VehicleClock
from .state import FRAME_END, RECORD, SCENE_END

Item = tuple[object, ...]
"""One row of ITEM, to be."""

R = TypeVar("R", bound=Record)

_MARKERS = (MessageKind.FRAME_END.value.encode(), MessageKind.SCENE_END.value.encode())
_NO_SIGHTING = (0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
LABELS = {label.value: index for index, label in enumerate(Label)}
_LIVE_AGENTS = -1
"""Nobody counts the agents around a live vehicle."""


@dataclass(slots=True)
class Batch:
    """A run of records, read. `sources` names the record behind each item."""

    items: list[Item] = field(default_factory=list)
    sources: list[Record] = field(default_factory=list)
    malformed: list[tuple[Record, str]] = field(default_factory=list)


@dataclass(slots=True)
class _OpenScene:
    """What is at hand of a scene while its records come."""

    number: int
    rows: dict[str, int]
    facts: SceneFacts
    heard_at_s: float = 0.0
    event_time_ms: int = 0  # of the newest record of a live vehicle
    clock: VehicleClock | None = None


class Intake:
    """Reads the records of one partition for one engine, and keeps what the frames do not say."""

    def __init__(self, engine: Engine[SceneKey], settle_frames: int) -> None:
        self._engine = engine
        self._settle_frames = settle_frames
        self._scenes: dict[SceneKey, _OpenScene] = {}
        self._time = ("", 0)

    def read(self, records: Iterable[Record], clock_s: float) -> Batch:
        """Read `records` in the order of their offsets; what cannot be read is set apart with the reason."""
        batch = Batch()
        items, sources = batch.items, batch.sources
        session = scene_id = ""
        scene: _OpenScene | None = None
        for record in records:
            try:
                if record.key() is None and header(record, "kind") in _MARKERS:
                    items.append(self._marker(decode_marker(record.value()), record.offset(), clock_s))
                    sources.append(record)
                    continue
                view = decode_telemetry(record.value())
                if view.event_time != self._time[0]:
                    self._time = (view.event_time, epoch_ms(view.event_time))
                if view.metadata.active_agent_count is None:
                    made = self._self_clocked(view, record.offset(), clock_s)
                    items += made
                    sources += [record] * len(made)
                    continue
                if scene is None or view.scene_id != scene_id or view.metadata.replay_session_id != session:
                    scene = self._scene(SceneKey(view.metadata.replay_session_id, view.scene_id), view)
                    session, scene_id = view.metadata.replay_session_id, view.scene_id
                    scene.heard_at_s = clock_s
                items.append(self._record(view, scene, record.offset()))
            except ContractError as error:
                batch.malformed.append((record, str(error)))
            else:
                sources.append(record)
        return batch

    def passed(self, silent_s: float, offset: int, clock_s: float) -> list[Item]:
        """What time alone says: live vehicles fell silent, scenes of which nothing came for `silent_s` are over."""
        items: list[Item] = []
        for scene in self._scenes.values():
            if scene.clock is not None:
                items += [self._own_marker(scene, tick, offset) for tick in scene.clock.passed(clock_s)]
        for key in self._engine.open_scenes():
            scene = self._scenes[key]
            if clock_s - scene.heard_at_s > silent_s:
                frame = self._engine.last_marked_frame(key)
                items.append(self._own_marker(scene, Tick(frame, frame, ends=True), offset))
        return items

    def facts(self, key: SceneKey) -> SceneFacts:
        """What is known of an open scene, beside its frames."""
        return self._scenes[key].facts

    def clock(self, key: SceneKey) -> VehicleClock | None:
        """The clock of a live vehicle, None for a replayed scene."""
        return self._scenes[key].clock

    def forget_closed(self) -> None:
        """Forget the scenes that the engine has closed."""
        for key in self._scenes.keys() - set(self._engine.open_scenes()):
            del self._scenes[key]

    def _scene(self, key: SceneKey, view: TelemetryView | MarkerView) -> _OpenScene:
        scene = self._scenes.get(key)
        if scene is None:
            number = self._engine.scene(key)
            purpose = view.purpose if isinstance(view, MarkerView) else view.metadata.purpose
            scene = self._scenes[key] = _OpenScene(number, self._engine.rows_of(number), SceneFacts(purpose))
        return scene

    def _record(self, view: TelemetryView, scene: _OpenScene, offset: int) -> Item:
        row = scene.rows.get(view.vehicle_id)
        if row is None:
            is_ego = view.vehicle_id == ids.ego_id(view.scene_id)
            row = self._engine.vehicle(scene.number, view.vehicle_id, is_ego=is_ego)
        seen, frame = view.telemetry, view.frame_index
        position, velocity = seen.position, seen.velocity
        label = LABELS.get(seen.label)
        if label is None:
            raise ContractError(f"not a class of object: {seen.label!r}; there are {', '.join(LABELS)}")
        sighting = (
            frame,
            label,
            position.x,
            position.y,
            velocity.magnitude,
            seen.acceleration.magnitude,
            seen.yaw,
            seen.label_probability,
            velocity.x,
            velocity.y,
            seen.range_m,
        )
        return RECORD, scene.number, row, frame, offset, self._time[1], sighting, 0, 0, 0

    def _marker(self, view: MarkerView, offset: int, clock_s: float) -> Item:
        if view.event_time != self._time[0]:
            self._time = (view.event_time, epoch_ms(view.event_time))
        scene = self._scene(SceneKey(view.replay_session_id, view.scene_id), view)
        scene.heard_at_s = clock_s
        scene.facts.purpose, scene.facts.dataset = view.purpose, view.dataset
        kind, expected = (FRAME_END, view.records) if view.kind == "frame_end" else (SCENE_END, -1)
        frame, agents = view.frame_index, view.active_agent_count
        return kind, scene.number, 0, frame, offset, self._time[1], _NO_SIGHTING, expected, agents, view.start_frame

    def _self_clocked(self, view: TelemetryView, offset: int, clock_s: float) -> list[Item]:
        """A live vehicle's record, among the markers that it does not send."""
        event_id = VehicleClock.parse_event_id(view.event_id)  # first: a record that is refused leaves no trace
        key = SceneKey(view.metadata.replay_session_id, view.scene_id, view.vehicle_id)
        scene = self._scene(key, view)
        if scene.clock is None:
            scene.clock = VehicleClock(self._settle_frames)
        scene.heard_at_s = clock_s
        scene.event_time_ms = self._time[1]
        before, after = scene.clock.heard(view.frame_index, event_id, view.metadata.replay_rate, clock_s)
        return [
            *(self._own_marker(scene, tick, offset) for tick in before),
            self._record(view, scene, offset),
            *(self._own_marker(scene, tick, offset) for tick in after),
        ]

    def _own_marker(self, scene: _OpenScene, tick: Tick, offset: int) -> Item:
        kind, expected = (SCENE_END, -1) if tick.ends else (FRAME_END, 1)
        time_ms, start = scene.event_time_ms, tick.start_frame
        if scene.clock is not None:
            time_ms += scene.clock.ms_since_heard(tick.frame)
        return kind, scene.number, 0, tick.frame, offset, time_ms, _NO_SIGHTING, expected, _LIVE_AGENTS, start
