"""Dropout, calibrated: a vehicle that vanished where it could be seen, or a scene that lost its agents."""

from __future__ import annotations

from typing import NamedTuple

from fleetops.contracts.vocabulary import AnomalyType

from ..compiled import compiled
from ..features import GAP_FRAMES, active_agent_ratio, settled
from ..severity import INFO, NONE, WARNING
from ..windows import REORDER_FRAMES, Window, active_agents, seen_in, sighting
from .registry import Features, Scope, rule


class VanishedNearby(NamedTuple):
    """A known vehicle fell silent near the ego; farther out it may just have left the field of view."""

    dropout_frame_threshold: int = 3  # frames
    nearby_m: float = 30.0
    explained_below_agent_ratio: float = 0.5  # a collapse of the whole scene explains the single dropouts
    collapse_window_frames: int = 10
    warm_up_frames: int = 10


class ActiveAgentsCollapsed(NamedTuple):
    """The scene lost a large part of its agents at once."""

    agent_ratio_threshold: float = 0.5
    window_frames: int = 10


def explain_vanishing(w: Window, _: VanishedNearby) -> Features:
    """How long the vehicle has been silent, in frames, and how far from the ego it was last."""
    return {
        "frames_since_last_update": float(w.silent_frames),
        "range_m": float(sighting(w, w.frame - w.silent_frames)["range_m"]),
    }


def explain_collapse(w: Window, t: ActiveAgentsCollapsed) -> Features:
    """How many agents the scene has, and which part that is; None where nobody counts."""
    agents = active_agents(w, w.frame)
    return {
        "active_agent_count": float(agents) if agents >= 0 else None,
        "active_agent_ratio": active_agent_ratio(w, w.frame, t.window_frames) if agents >= 0 else None,
    }


def _is_forgotten_first(t: VanishedNearby, retire_frames: int) -> str | None:
    if t.dropout_frame_threshold + 1 < retire_frames:
        return None
    return f"a vehicle is forgotten after {retire_frames} silent frames, before the threshold is passed"


@compiled
def _is_explained(w: Window, last_seen: int, t: VanishedNearby) -> bool:
    """Whether the scene lost its agents when this one vanished, or so shortly before that it may still lack them."""
    first = last_seen + 1 - t.collapse_window_frames
    for frame in range(first, min(last_seen + 1 + REORDER_FRAMES, w.frame) + 1):
        if active_agent_ratio(w, frame, t.collapse_window_frames) < t.explained_below_agent_ratio:
            return True
    return False


@rule(
    name="vanished_nearby",
    anomaly_type=AnomalyType.DROPOUT_PROXY,
    thresholds=VanishedNearby,
    explain=explain_vanishing,
    sentence="A vehicle that was well known vanished near the ego, where it should still be seen.",
    units={
        "dropout_frame_threshold": "frames",
        "nearby_m": "m from the ego",
        "explained_below_agent_ratio": "of the scene's agents",
    },
    reach=lambda t, retire_frames: retire_frames + max(2 * t.collapse_window_frames, t.warm_up_frames + GAP_FRAMES),
    impossible=_is_forgotten_first,
)
def vanished_nearby(w: Window, t: VanishedNearby) -> int:
    """INFO where a settled vehicle has been silent since it was near, and the scene does not explain it."""
    if w.silent_frames <= t.dropout_frame_threshold:
        return NONE
    last_seen = w.frame - w.silent_frames
    if float(sighting(w, last_seen)["range_m"]) > t.nearby_m:
        return NONE
    # Seen for a single frame amid a blackout is not being known.
    if not seen_in(w, last_seen - 1) or not settled(w, last_seen, t.warm_up_frames):
        return NONE
    return NONE if _is_explained(w, last_seen, t) else INFO


@rule(
    name="active_agents_collapsed",
    anomaly_type=AnomalyType.DROPOUT_PROXY,
    thresholds=ActiveAgentsCollapsed,
    explain=explain_collapse,
    sentence="The scene lost a large part of its vehicles at once: a sensor or its processing fails. Shown on the ego.",
    units={"agent_ratio_threshold": "of the median over the window"},
    scope=Scope.SCENE,
    reach=lambda t, _: t.window_frames + 1,
)
def active_agents_collapsed(w: Window, t: ActiveAgentsCollapsed) -> int:
    """WARNING, on the ego, where the scene has less than a part of the agents it had."""
    if not w.is_ego:
        return NONE
    return WARNING if active_agent_ratio(w, w.frame, t.window_frames) < t.agent_ratio_threshold else NONE
