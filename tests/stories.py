"""Frames in, findings out: how tests write down what a detector sees, and read what it says.

A story is a list of events in the order they lie in a partition; an event's index is its
offset. `tell` feeds a story, or a part of it, to an engine.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from fleetops.anomaly.engine import Engine, Found
from fleetops.anomaly.rule_set import RuleSet, parse_rule_set
from fleetops.anomaly.severity import ANOMALY_TYPES, SEVERITIES
from fleetops.anomaly.state import FRAME_END, ITEM, RECORD, SCENE_END
from fleetops.anomaly.windows import Structured
from fleetops.contracts.vocabulary import Label

Key = TypeVar("Key", bound=Hashable)

EGO = "ego"
SCENE = "scene"


@dataclass(frozen=True)
class Seen:
    """A vehicle in a frame."""

    vehicle: str
    frame: int
    x: float = 0.0
    y: float = 0.0
    speed: float = 0.0
    acceleration: float = 0.0
    yaw: float = 0.0
    label_probability: float = 1.0
    vx: float = 0.0
    vy: float = 0.0
    range_m: float = 0.0
    label: Label = Label.CAR
    scene: str = SCENE


@dataclass(frozen=True)
class FrameEnd:
    """The marker of a frame: how many records of it there are, how many agents are active."""

    frame: int
    records: int
    agents: int = 0
    start: int = 0
    scene: str = SCENE


@dataclass(frozen=True)
class SceneEnd:
    """The end of a scene, after its last frame."""

    frame: int
    start: int = 0
    scene: str = SCENE


_NOTHING = (0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""The sighting of an event that is none."""

Event = Seen | FrameEnd | SceneEnd

Finding = tuple[str, int, str, str, str]
"""Vehicle, frame, anomaly type, status, severity: what makes an anomaly's id, beside the session."""


def story(
    seen: Iterable[Seen], last_frame: int, *, start: int = 0, agents: dict[int, int] | None = None
) -> list[Event]:
    """The sightings in order, with the markers that replay-service would send, and the scene's end."""
    by_frame: dict[int, list[Seen]] = {frame: [] for frame in range(start, last_frame + 1)}
    for each in seen:
        by_frame[each.frame].append(each)
    events: list[Event] = []
    for frame, sightings in by_frame.items():
        count = len(sightings) if agents is None else agents.get(frame, 0)
        events += [*sightings, FrameEnd(frame, len(sightings), count, start)]
    return [*events, SceneEnd(last_frame, start)]


def drive(vehicle: str, **series: Sequence[float]) -> list[Seen]:
    """One vehicle seen in every frame from 0 on, each field as a series of values."""
    frames = len(next(iter(series.values())))
    return [
        Seen(vehicle, frame, **{name: float(values[frame]) for name, values in series.items()})  # type: ignore[arg-type]  # the names are those of its float fields
        for frame in range(frames)
    ]


def tell(engine: Engine[str], events: Sequence[Event], first_offset: int = 0, batch: int = 10_000) -> list[Finding]:
    """Feed `events` in batches, and say what was found."""
    found: list[Finding] = []
    for begin in range(0, len(events), batch):
        part = events[begin : begin + batch]
        found += [finding_of(each) for each in engine.feed(items(engine, part, first_offset + begin))[0]]
    return found


def items(engine: Engine[str], events: Sequence[Event], first_offset: int) -> Structured:
    """`events` in the form the engine takes."""
    rows = [_item(engine, event, offset) for offset, event in enumerate(events, first_offset)]
    return np.array(rows, ITEM)


def finding_of(found: Found[Key]) -> Finding:
    """What makes the anomaly's id."""
    detection = found.detection
    status = "CLEARED" if detection["cleared"] else "ACTIVE"
    severity = SEVERITIES[detection["severity"]]
    assert severity is not None
    return (
        found.vehicle,
        int(detection["frame"]),
        ANOMALY_TYPES[detection["anomaly_type"]].value,
        status,
        severity.value,
    )


def rule_set(*rules: str, rearm: int = 2, retire: int = 5, concurrent: bool = True, guards: str = "") -> RuleSet:
    """A small rule set of the rules given as TOML tables."""
    head = f'name = "test"\nversion = 1\ndescription = "for a test"\nrearm_frames = {rearm}\nretire_frames = {retire}\n'
    head += f"concurrent_is_critical = {str(concurrent).lower()}\n{guards}\n"
    return parse_rule_set(head + "\n".join(rules), "test")


def _item(engine: Engine[str], event: Event, offset: int) -> tuple[object, ...]:
    scene = engine.scene(event.scene)
    time_ms = event.frame * 100
    match event:
        case Seen():
            row = engine.vehicle(scene, event.vehicle, is_ego=event.vehicle.endswith(EGO))
            sighting = (
                event.frame,
                list(Label).index(event.label),
                event.x,
                event.y,
                event.speed,
                event.acceleration,
                event.yaw,
                event.label_probability,
                event.vx,
                event.vy,
                event.range_m,
            )
            return RECORD, scene, row, event.frame, offset, time_ms, sighting, 0, 0, 0
        case FrameEnd():
            return FRAME_END, scene, 0, event.frame, offset, time_ms, _NOTHING, event.records, event.agents, event.start
        case SceneEnd():
            return SCENE_END, scene, 0, event.frame, offset, time_ms, _NOTHING, -1, -1, event.start
