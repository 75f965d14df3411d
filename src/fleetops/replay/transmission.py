"""Sending a session's frames through one producer, for as long as that producer works."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import pairwise

from fleetops.contracts.topics import RAW_TELEMETRY, headers
from fleetops.contracts.vocabulary import MessageKind

from .acknowledgements import Acknowledged, Acknowledgements
from .catalog import Catalog
from .encode import EncodableBlock, EncodedFrame, MarkerFacts, SceneEncoder, markers
from .frames import SceneFrames
from .interventions import Intervention
from .journal import SessionRecord
from .producers import Producers
from .stage import Stage
from .timeline import Mode, SceneSpan, Step, Tick, open_scenes

_SCHEMA = "raw_telemetry/1"
_TELEMETRY = headers(MessageKind.TELEMETRY, _SCHEMA)
_FRAME_END = headers(MessageKind.FRAME_END, _SCHEMA)
_SCENE_END = headers(MessageKind.SCENE_END, _SCHEMA)


@dataclass(frozen=True, slots=True)
class Route:
    """Where sessions come from and go to: what all of them share."""

    catalog: Catalog
    producers: Producers
    partitions: int
    """Of `raw_telemetry`, as it really is."""
    reader: Executor
    """Reads ahead for all sessions, one job at a time."""
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class _SentFrame:
    """The last frame sent of a scene."""

    frame_index: int
    frame: EncodedFrame
    block: EncodableBlock


@dataclass(slots=True)
class _Scene:
    """A scene being sent."""

    span: SceneSpan
    encoder: SceneEncoder
    frames: SceneFrames
    facts: MarkerFacts
    stage: Stage
    last_sent: _SentFrame | None = field(default=None)


class Transmission:
    """One attempt at what is left of a session. A BrokerError from any method ends it; make a new one.

    Being begun from the last acknowledged frame, with the same ids, the next attempt loses nothing.
    """

    def __init__(self, route: Route, record: SessionRecord, spans: Sequence[SceneSpan]) -> None:
        self._route = route
        self._record = record
        self._spans = spans
        self._producer = route.producers.take()
        self._waiting = Acknowledgements(route.clock)
        self._scenes: dict[str, _Scene] = {}
        in_order = spans if record.request.mode is Mode.SEQUENTIAL else []
        self._follower = {one.scene_id: other for one, other in pairwise(in_order)}
        self._ended: set[str] = set()

    @property
    def records_in_flight(self) -> int:
        """Telemetry records of frames not acknowledged yet."""
        return self._waiting.records

    @property
    def unacknowledged_since(self) -> float | None:
        """When the oldest frame on its way was sent; None when all are through."""
        return self._waiting.oldest_sent_at

    def prepare(self, tick: Tick) -> None:
        """See that the frames of `tick` are read; the first of a scene takes longest."""
        for step in tick:
            scene = self._scene(step.span, step.frame_index)
            scene.frames.block_of(step.frame_index)
            scene.stage.settle()

    def begin(self, step: Step, pending: list[Intervention]) -> list[Intervention]:
        """Those of `pending`, all of vehicles of this scene, that can begin with this frame, begun."""
        scene = self._scenes.get(step.span.scene_id)
        if scene is None or scene.last_sent is None or scene.last_sent.frame_index != step.frame_index - 1:
            return []
        last = scene.last_sent.block
        begun = (scene.stage.begin(intervention, step.frame_index, last) for intervention in pending)
        return [intervention for intervention in begun if intervention is not None]

    def is_ready(self, scene_id: str) -> bool:
        """Whether no vehicle of a scene waits for its path to be read."""
        scene = self._scenes.get(scene_id)
        return scene is None or scene.stage.is_ready

    def play(self, begun: list[Intervention]) -> None:
        """Have vehicles do what `begin` said they can; the journal knows of it by now."""
        for intervention in begun:
            self._scenes[intervention.scene_id].stage.play([intervention])

    def emit(self, tick: Tick, rate_hz: float) -> int:
        """Send the frames of `tick` with their markers; how many vehicles they show."""
        vehicles = 0
        for step in tick:
            scene = self._scene(step.span, step.frame_index)
            frame = self._send_frame(scene, step, rate_hz)
            vehicles += len(frame)
            if step.is_last:
                self._end(scene, rate_hz)
        return vehicles

    def end_open_scenes(self, rate_hz: float) -> None:
        """Send the end of every scene that has begun, in this attempt or before it."""
        for span in open_scenes(self._spans, self._record.progress):
            if span.scene_id in self._ended:
                continue
            acked = self._record.acked[span.scene_id]
            scene = self._scenes.get(span.scene_id)
            if scene is not None and scene.last_sent is None:  # for the frame after it: blocks are not read backwards
                self._close(scene)
                scene = None
            if scene is None or (scene.last_sent is not None and scene.last_sent.frame_index < acked):
                # The frames until then were on their way for the second time: the scene ends where it was already.
                scene = self._scene(span, acked)
                scene.last_sent = self._encoded(scene, acked, rate_hz)
        self.end_begun_scenes(rate_hz)

    def end_begun_scenes(self, rate_hz: float) -> None:
        """The same, without reading the dataset: only scenes that this attempt has sent frames of."""
        for scene in list(self._scenes.values()):
            if scene.last_sent is not None:
                self._end(scene, rate_hz)

    def poll(self, timeout_s: float = 0.0) -> list[Acknowledged]:
        """Frames that the broker has acknowledged since; waits up to `timeout_s` for something to happen."""
        self._producer.poll(timeout_s)
        return self._waiting.take()

    def close(self) -> None:
        """Give up what is not acknowledged yet."""
        for scene in list(self._scenes.values()):
            self._close(scene)
        self._producer.close()

    def _scene(self, span: SceneSpan, first: int) -> _Scene:
        scene = self._scenes.get(span.scene_id)
        if scene is None:
            record, route = self._record, self._route
            encoder = SceneEncoder(record.session_id, span.scene_id, record.request.purpose, route.partitions)
            frames = SceneFrames(route.catalog, span, first, encoder, route.reader)
            scene = self._scenes[span.scene_id] = _Scene(
                span,
                encoder,
                frames,
                MarkerFacts(record.session_id, span, record.request.purpose, record.dataset),
                Stage(route.catalog, span, encoder, frames, route.reader),
            )
            scene.stage.play(one for one in record.interventions.values() if one.scene_id == span.scene_id)
        return scene

    def _close(self, scene: _Scene) -> None:
        scene.frames.close()
        scene.stage.close()
        del self._scenes[scene.span.scene_id]

    def _encoded(self, scene: _Scene, frame_index: int, rate_hz: float) -> _SentFrame:
        block, acts = scene.frames.block_of(frame_index), scene.stage.acts(frame_index)
        now_ms = self._route.epoch_ms()
        frame = scene.encoder.encode(block, frame_index, rate_hz=rate_hz, processing_time_ms=now_ms, acts=acts)
        return _SentFrame(frame_index, frame, block)

    def _send_frame(self, scene: _Scene, step: Step, rate_hz: float) -> EncodedFrame:
        began = self._route.clock()
        sent = self._encoded(scene, step.frame_index, rate_hz)
        frame = sent.frame
        send, keys, partitions = self._producer.send, scene.encoder.keys, scene.encoder.partitions
        for value, vehicle in zip(frame.values(), frame.vehicles.tolist(), strict=True):
            send(RAW_TELEMETRY, value, key=keys[vehicle], partition=partitions[vehicle], headers=_TELEMETRY)
        self._send_markers(scene, sent, rate_hz, began)
        if scene.last_sent is None and (follower := self._follower.get(scene.span.scene_id)):
            self._scene(follower, follower.start_frame)  # its reading begins now, and is done long before its turn
        scene.last_sent = sent
        return frame

    def _end(self, scene: _Scene, rate_hz: float) -> None:
        assert scene.last_sent is not None  # noqa: S101 - both callers see to it
        self._send_markers(scene, scene.last_sent, rate_hz, self._route.clock(), scene_end=True)
        self._ended.add(scene.span.scene_id)
        self._close(scene)

    def _send_markers(
        self, scene: _Scene, sent: _SentFrame, rate_hz: float, began: float, *, scene_end: bool = False
    ) -> None:
        messages = markers(
            scene.facts,
            sent.frame_index,
            sent.frame,
            scene_end=scene_end,
            rate_hz=rate_hz,
            processing_time_ms=self._route.epoch_ms(),
        )
        acknowledged = self._waiting.expect(
            scene.span.scene_id,
            sent.frame_index,
            0 if scene_end else len(sent.frame),
            len(messages),
            sent_at=began,
            is_scene_end=scene_end,
        )
        kind = _SCENE_END if scene_end else _FRAME_END
        for partition, message in enumerate(messages):
            self._producer.send(RAW_TELEMETRY, message, partition=partition, headers=kind, on_delivered=acknowledged)
