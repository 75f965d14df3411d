"""A transmission that acknowledges at once, or fails, as told, and a catalog that holds nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from fleetops.contracts.vocabulary import Purpose
from fleetops.dataset.golden_scenes import SceneDefinition
from fleetops.replay.acknowledgements import Acknowledged
from fleetops.replay.interventions import Intervention
from fleetops.replay.journal import SessionRecord
from fleetops.replay.request import FrameInterval, ReplayRequest
from fleetops.replay.sessions import Sessions
from fleetops.replay.state import SessionStatus
from fleetops.replay.timeline import SceneSpan, Step, Tick
from fleetops.replay.transmission import Route

FRAMES = 20

SLOW_HZ = 0.1
"""The slowest there is: a scene takes minutes, so no test finds that it has ended meanwhile."""

Make = Callable[..., Sessions]
"""Makes a service on the test's data directory."""


class SmallCatalog:
    """Two scenes of 20 frames."""

    digest = "sha256:00"
    scenes = tuple(SceneDefinition(f"scene_{i}", i, 0, FRAMES, "") for i in (1, 2))

    def scene(self, scene_id: str) -> SceneDefinition:
        """The scene of this name."""
        return next(scene for scene in self.scenes if scene.scene_id == scene_id)

    def spans(self, scene_ids: list[str], frames: dict[str, FrameInterval]) -> list[SceneSpan]:
        """The frames of the scenes, or the parts asked for."""
        parts = {scene: frames.get(scene, FrameInterval(start_frame=0, end_frame=FRAMES)) for scene in scene_ids}
        return [
            SceneSpan(scene, int(scene[-1]), part.start_frame, part.end_frame, part.show_from)
            for scene, part in parts.items()
        ]


class Wire:
    """What all transmissions of a test have sent, and what goes wrong with them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        self.ends: list[str] = []
        self.before_emit: Callable[[str, int], None] = lambda scene, frame: None
        self.before_prepare: Callable[[], None] = lambda: None
        self.attempts = 0
        self.played: list[Intervention] = []

    def transmission(self, _route: Route, record: SessionRecord, _spans: object) -> FakeTransmission:
        """Stands in for `Transmission`."""
        self.attempts += 1
        return FakeTransmission(self, record)


class FakeTransmission:
    """Every frame has two vehicles and is acknowledged by the next poll."""

    records_in_flight = 0

    def __init__(self, wire: Wire, record: SessionRecord) -> None:
        self._wire = wire
        self._open = set(record.acked) - set(record.ended)
        self._through: list[Acknowledged] = []

    @property
    def unacknowledged_since(self) -> float | None:
        """Something, while something waits."""
        return 0.0 if self._through else None

    def prepare(self, tick: Tick) -> None:
        """Nothing to read, but what the test wants read."""
        self._wire.before_prepare()

    def begin(self, step: Step, pending: list[Intervention]) -> list[Intervention]:
        """Whoever is to begin something can."""
        return [one.begin(step.frame_index) for one in pending]

    def play(self, begun: list[Intervention]) -> None:
        """Note who plays."""
        self._wire.played += begun

    def emit(self, tick: Tick, rate_hz: float) -> int:
        """Note the frames."""
        for step in tick:
            scene = step.span.scene_id
            self._wire.before_emit(scene, step.frame_index)
            self._wire.sent.append((scene, step.frame_index))
            self._open.add(scene)
            self._through.append(Acknowledged(scene, step.frame_index, 2, False, 0.001))
            if step.is_last:
                self._end(scene, step.frame_index)
        return 2 * len(tick)

    def end_open_scenes(self, rate_hz: float) -> None:
        """Note the ends."""
        for scene in sorted(self._open):
            self._end(scene, 0)

    end_begun_scenes = end_open_scenes

    def _end(self, scene: str, frame: int) -> None:
        self._wire.ends.append(scene)
        self._open.discard(scene)
        self._through.append(Acknowledged(scene, frame, 0, True, 0.001))

    def poll(self, timeout_s: float = 0.0) -> list[Acknowledged]:
        """What was sent since."""
        through, self._through = self._through, []
        return through

    def close(self) -> None:
        """Nothing to close."""


def request(session_id: str, *scenes: str, rate: float = 0.0, purpose: Purpose = Purpose.LIVE) -> ReplayRequest:
    """A request for `scenes`, by default scene_1."""
    return ReplayRequest(
        scene_ids=list(scenes or ["scene_1"]), session_id=session_id, replay_rate_hz=rate, purpose=purpose
    )


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def hold_at(wire: Wire, sessions: Sessions, frame: int, session_id: str = "s") -> None:
    """Have a session take minutes over what is left after this frame of a scene, however slow the machine is."""

    def slow_down(_: str, at: int) -> None:
        if at == frame:
            sessions.session(session_id).change_rate(SLOW_HZ)

    wire.before_emit = slow_down


def status(sessions: Sessions, session_id: str) -> SessionStatus:
    """Where a session stands."""
    return sessions.view(session_id).record.status
