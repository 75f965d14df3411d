"""The detector with a roof over it: rows for vehicles and scenes, growth, compiled or plain.

One engine is the memory of one partition. It knows vehicles and scenes by keys of the
caller's choosing and numbers them; everything else happens in `detector.advance`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from fleetops.contracts.vocabulary import Label

from .compiled import jit
from .detector import Plan, advance
from .rule_set import RuleSet
from .rules import Scope
from .severity import ANOMALY_TYPES, N_TYPES
from .state import (
    ACCEPTED,
    DETECTIONS,
    FIRINGS,
    ITEM,
    NOBODY,
    RELEASED,
    Output,
    State,
    grown,
    new_output,
    new_state,
)
from .windows import Structured

SceneKey = TypeVar("SceneKey", bound=Hashable)

Advance = Callable[[Structured, int, Plan, State, Output], int]

_DETECTION_ROOM = 256
_FIRING_ROOM = 4096

compiled_advance: Advance = jit(advance)
"""The loop as machine code. Compiling it takes seconds, once per machine and version."""


def plan_of(rules: RuleSet) -> Plan:
    """`rules` in the form the loop reads."""
    types = [ANOMALY_TYPES.index(kind.anomaly_type) for kind in rules.kinds]
    return Plan(
        rules=rules.rules,
        types=np.array(types, np.int8),
        scene_wide=np.array([kind.scope is Scope.SCENE for kind in rules.kinds], np.bool_),
        rearm_frames=rules.rearm_frames,
        retire_frames=rules.retire_frames,
        settle_frames=rules.settle_frames,
        concurrent_is_critical=rules.concurrent_is_critical,
        two_minor_are_warning=rules.two_minor_are_warning,
        classes=np.array([not rules.classes or label in rules.classes for label in Label], np.bool_),
        fired=np.zeros(len(rules.rules), np.int8),
        by_type=np.zeros((2, N_TYPES), np.int8),
    )


def warm_up(rules: RuleSet) -> None:
    """Have the detector compiled for `rules`, or loaded from where it was compiled before."""
    Engine[str](rules, rules.history_frames, compiled_advance).feed(np.zeros(0, ITEM))


@dataclass(frozen=True, slots=True)
class Found(Generic[SceneKey]):
    """One detection, with the vehicle's ring as it was at that moment."""

    scene: SceneKey
    vehicle: str
    detection: np.void  # of DETECTION
    window: Structured  # (slots,) of SIGHTING
    frames: Structured  # (slots,) of FRAME: those of its scene at that moment


@dataclass(frozen=True, slots=True)
class Fired(Generic[SceneKey]):
    """One rule that held on one vehicle in one frame."""

    scene: SceneKey
    vehicle: str
    frame: int
    rule: int
    severity: int


class Engine(Generic[SceneKey]):
    """Detection over the records of one partition.

    Args:
        rules: what to look for.
        history_frames: frames for which offsets are remembered.
        step: `detector.advance`, compiled or plain; may be changed between batches, since
            both work on the same memory.
        trace: keep every firing of every rule, not only what episodes make of them.
    """

    def __init__(self, rules: RuleSet, history_frames: int, step: Advance = advance, *, trace: bool = False) -> None:
        self.step = step
        self._plan = plan_of(rules)
        self._history_frames = history_frames
        self._state = new_state(64, 4, rules.ring_frames, history_frames)
        self._out = new_output(self._state.rings.shape[1], _DETECTION_ROOM, _FIRING_ROOM if trace else 0)
        self._vehicles: list[tuple[int, str] | None] = []
        self._free_rows: list[int] = []
        self._scenes: dict[SceneKey, int] = {}
        self._scene_keys: list[SceneKey | None] = []
        self._rows: list[dict[str, int]] = []
        self.fired: list[Fired[SceneKey]] = []

    def scene(self, key: SceneKey) -> int:
        """The number of a scene, given one when it is new."""
        known = self._scenes.get(key)
        if known is not None:
            return known
        number = self._scene_keys.index(None) if None in self._scene_keys else len(self._scene_keys)
        if number == len(self._scene_keys):
            self._scene_keys.append(None)
            self._rows.append({})
        if number >= len(self._state.scenes):
            self._grow(len(self._state.vehicles), 2 * len(self._state.scenes))
        self._scene_keys[number] = key
        self._scenes[key] = number
        return number

    def rows_of(self, scene: int) -> dict[str, int]:
        """The rows of a scene's vehicles, by name. To look up, not to change; good until the scene is closed."""
        return self._rows[scene]

    def vehicle(self, scene: int, vehicle: str, *, is_ego: bool) -> int:
        """The row of a vehicle of the scene with this number, given one when it is new."""
        row = self._rows[scene].get(vehicle)
        return self._new_row(scene, vehicle, is_ego) if row is None else row

    def feed(self, items: Structured) -> tuple[list[Found[SceneKey]], npt.NDArray[np.int8]]:
        """Take in `items` (of ITEM), in the order they were read.

        Returns:
            What was detected, and a verdict per item (ACCEPTED, DUPLICATE, LATE or AHEAD).
        """
        out = self._out._replace(verdicts=np.zeros(len(items), np.int8))
        found: list[Found[SceneKey]] = []
        done = self.step(items, 0, self._plan, self._state, out)
        found.extend(self._drain(out))
        while done < len(items):
            done = self.step(items, done, self._plan, self._state, out)
            found.extend(self._drain(out))
        self._release(items["row"][out.verdicts != ACCEPTED])
        return found, out.verdicts

    def needed_offset(self) -> int | None:
        """The oldest offset a successor would have to read again; None when nothing is open."""
        needed: int | None = None
        for number in self._scenes.values():
            frames = self._state.frames[number]
            since = self._state.scenes[number]["next_frame"] - 1 - self._history_frames
            kept = frames["first_offset"][frames["frame"] >= max(0, since)]
            if len(kept):
                oldest = int(kept.min())
                needed = oldest if needed is None else min(needed, oldest)
        return needed

    def frames_behind(self) -> int:
        """Frames whose marker came but that are not evaluated, of the scene furthest behind."""
        scenes = self._state.scenes[list(self._scenes.values())]
        return int((scenes["last_marker"] + 1 - scenes["next_frame"]).clip(0).max(initial=0))

    def records_per_frame(self) -> int:
        """How many records and markers a frame brings to this partition, by the last one of each open scene."""
        total = 0
        for number in self._scenes.values():
            frames = self._state.frames[number]
            newest = self._state.scenes[number]["next_frame"] - 1
            total += 1 + int(frames["received"][frames["frame"] == newest].sum())
        return total

    def last_marked_frame(self, key: SceneKey) -> int:
        """The newest frame of an open scene that was said to be complete, or is next in line when none was."""
        scene = self._state.scenes[self._scenes[key]]
        return int(max(scene["last_marker"], scene["next_frame"] - 1, 0))

    def open_scenes(self) -> tuple[SceneKey, ...]:
        """Scenes that hold memory, and offsets, at present."""
        return tuple(self._scenes)

    @property
    def vehicle_count(self) -> int:
        """Vehicles remembered at present."""
        return sum(map(len, self._rows))

    def _new_row(self, scene: int, vehicle: str, is_ego: bool) -> int:
        if self._free_rows:
            row = self._free_rows.pop()
        else:
            row = len(self._vehicles)
            self._vehicles.append(None)
            if row >= len(self._state.vehicles):
                self._grow(2 * len(self._state.vehicles), len(self._state.scenes))
        self._vehicles[row] = (scene, vehicle)
        self._rows[scene][vehicle] = row
        self._state.vehicles[row]["is_ego"] = is_ego
        return row

    def _grow(self, vehicles: int, scenes: int) -> None:
        self._state = grown(self._state, vehicles, scenes)

    def _drain(self, out: Output) -> Iterator[Found[SceneKey]]:
        counts = self._state.counts
        told = slice(counts[DETECTIONS])
        detections, windows, frames = (kept[told].copy() for kept in (out.detections, out.windows, out.frames))
        for index, row in enumerate(detections["row"].tolist()):
            scene, vehicle = self._named(row)
            yield Found(scene, vehicle, detections[index], windows[index], frames[index])
        for firing in out.firings[: counts[FIRINGS]]:
            scene, vehicle = self._named(int(firing["row"]))
            self.fired.append(Fired(scene, vehicle, int(firing["frame"]), int(firing["rule"]), int(firing["severity"])))
        counts[DETECTIONS] = counts[FIRINGS] = 0

    def _named(self, row: int) -> tuple[SceneKey, str]:
        named = self._vehicles[row]
        key = None if named is None else self._scene_keys[named[0]]
        if named is None or key is None:
            raise AssertionError(f"row {row} was released while the detector still used it")
        return key, named[1]

    def _release(self, refused: npt.NDArray[np.int32]) -> None:
        """Give back the rows of forgotten vehicles and of those never taken in, and the numbers of ended scenes."""
        state = self._state
        for row in {*state.released[: state.counts[RELEASED]].tolist(), *refused.tolist()}:
            state.vehicles[row]["released"] = False
            named = self._vehicles[row]
            if named is not None and state.vehicles[row]["scene"] == NOBODY:  # else it came back within the batch
                del self._rows[named[0]][named[1]]
                self._vehicles[row] = None
                self._free_rows.append(row)
        state.counts[RELEASED] = 0
        ended = [key for key, number in self._scenes.items() if not state.scenes[number]["open"]]
        for key in ended:
            self._scene_keys[self._scenes.pop(key)] = None
