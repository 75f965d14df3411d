"""One scene under one rule set, through the same engine as live detection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fleetops.dataset.admission import Admission
from fleetops.dataset.block import FrameBlock
from fleetops.dataset.columns import TelemetryColumns
from fleetops.dataset.geo import GeoReference
from fleetops.dataset.normalize import normalize

from ..columns import scene_items
from ..digest import Finding, finding_of
from ..engine import Advance, Engine, Found, compiled_advance
from ..evidence import SceneKey
from ..rule_set import RuleSet
from ..windows import Structured

SESSION = "score"
"""Findings know no session; the engine wants one."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A scene as it is fed: its name, its telemetry, and how many of its records went in."""

    scene_id: str
    columns: TelemetryColumns

    @classmethod
    def of(cls, scene_id: str, block: FrameBlock, geo: GeoReference) -> Scene:
        """Telemetry of a whole scene, of those tracks that become vehicles."""
        return cls(scene_id, normalize(block, None, Admission(), geo)[0])


class Detector:
    """A rule set, ready to run over one scene after another. Scenes know nothing of each other."""

    def __init__(self, rules: RuleSet, step: Advance = compiled_advance) -> None:
        self.rules = rules
        self._step = step

    def found(self, scene: Scene, disturb: Callable[[Structured], Structured] | None = None) -> list[Found[SceneKey]]:
        """What is detected in a scene, its records and markers disturbed on their way if `disturb` is given."""
        engine: Engine[SceneKey] = Engine(self.rules, self.rules.history_frames, self._step)
        items = scene_items(scene.columns, engine, SceneKey(SESSION, scene.scene_id), ends=True)
        if disturb is not None:
            items = disturb(items)
        return engine.feed(items)[0]

    def findings(self, scene: Scene, disturb: Callable[[Structured], Structured] | None = None) -> list[Finding]:
        """The same without its evidence."""
        return [finding_of(each) for each in self.found(scene, disturb)]
