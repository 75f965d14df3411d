"""What another rule set finds that this one does not, and the other way round. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from urllib.parse import urlencode

import msgspec

from fleetops.contracts.vocabulary import AnomalyType, Severity

from .told import Episode, Told, by_condition, episodes


class ChangeKind(StrEnum):
    """How an episode differs between two rule sets."""

    GAINED = "gained"
    LOST = "lost"
    MOVED = "moved"
    SEVERITY = "severity"


class Change(msgspec.Struct, frozen=True):
    """One episode that is not the same under both rule sets; what is not there is None."""

    kind: ChangeKind
    scene_id: str
    vehicle_id: str
    anomaly_type: AnomalyType
    frame_index: int  # the moment to look at
    event_time_ms: int
    rule: str | None
    severity: Severity | None
    rule_before: str | None
    frame_before: int | None
    severity_before: Severity | None

    @property
    def link(self) -> str:
        """The moment, as a link into the console."""
        return moment(self.scene_id, self.vehicle_id, self.frame_index)


def moment(scene_id: str, vehicle_id: str, frame_index: int) -> str:
    """A link into the console: a vehicle in a frame of a scene. To be put behind the console's address."""
    return "/?" + urlencode({"vehicle": vehicle_id, "scene": scene_id, "frame": frame_index})


def changes(scene_id: str, told: Iterable[Told], before: Iterable[Told]) -> list[Change]:
    """What became of the conditions of one scene, from `before` to `told`, in order of frame and vehicle.

    An episode is the same where it begins in the same frame; else the one that overlaps it
    in time has moved; else it is gained or lost. Each has at most one counterpart.
    """
    now, then = by_condition(told), by_condition(before)
    found: list[Change] = []
    for condition in now.keys() | then.keys():
        pairs = _paired(episodes(now.get(condition, [])), episodes(then.get(condition, [])))
        found += [change for pair in pairs if (change := _change(scene_id, *pair)) is not None]
    return sorted(found, key=lambda change: (change.frame_index, change.vehicle_id, change.anomaly_type))


Pair = tuple[Episode | None, Episode | None]


def _paired(now: list[Episode], then: list[Episode]) -> list[Pair]:
    began = {episode.first_frame: episode for episode in then}
    pairs: list[Pair] = []
    unmatched: list[Episode] = []
    for episode in now:
        same = began.pop(episode.first_frame, None)
        if same is None:
            unmatched.append(episode)
        else:
            pairs.append((episode, same))
    left = sorted(began.values(), key=lambda episode: episode.first_frame)
    for episode in unmatched:
        overlapping = next((other for other in left if _overlap(episode, other)), None)
        if overlapping is not None:
            left.remove(overlapping)
        pairs.append((episode, overlapping))
    return [*pairs, *((None, episode) for episode in left)]


def _overlap(one: Episode, other: Episode) -> bool:
    return one.first_frame <= other.last_frame and other.first_frame <= one.last_frame


def _change(scene_id: str, now: Episode | None, then: Episode | None) -> Change | None:
    if now is None:
        kind = ChangeKind.LOST
    elif then is None:
        kind = ChangeKind.GAINED
    elif now.severity is not then.severity:
        kind = ChangeKind.SEVERITY
    elif now.first_frame != then.first_frame:
        kind = ChangeKind.MOVED
    else:
        return None
    shown = now or then
    if shown is None:
        raise AssertionError("a pair of nothing")
    return Change(
        kind=kind,
        scene_id=scene_id,
        vehicle_id=shown.vehicle_id,
        anomaly_type=shown.anomaly_type,
        frame_index=shown.first_frame,
        event_time_ms=shown.event_time_ms,
        rule=now and now.rule,
        severity=now and now.severity,
        rule_before=then and then.rule,
        frame_before=then and then.first_frame,
        severity_before=then and then.severity,
    )
