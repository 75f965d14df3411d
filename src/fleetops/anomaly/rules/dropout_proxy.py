"""Dropout proxy, as planned: a vehicle nobody reports any more, or many that vanish at once."""

from __future__ import annotations

from typing import NamedTuple

from fleetops.contracts.vocabulary import AnomalyType

from ..features import active_agent_count_delta
from ..severity import INFO, NONE, WARNING
from ..windows import Window, active_agents
from .registry import Features, Scope, rule


class UpdatesMissing(NamedTuple):
    """A vehicle has fallen silent."""

    dropout_frame_threshold: int = 3  # frames


class ActiveAgentsDropped(NamedTuple):
    """Many agents of a scene vanished from one frame to the next."""

    agent_count_drop_threshold: int = 5  # agents


def explain_silence(w: Window, _: UpdatesMissing) -> Features:
    """How long the vehicle has been silent, in frames."""
    return {"frames_since_last_update": float(w.silent_frames)}


def explain_count(w: Window, _: ActiveAgentsDropped) -> Features:
    """How many agents the scene has, and the change; None for live vehicles, where nobody counts."""
    agents = active_agents(w, w.frame)
    known = agents >= 0
    return {
        "active_agent_count": float(agents) if known else None,
        "active_agent_count_delta": float(active_agent_count_delta(w)) if known else None,
    }


def _is_forgotten_first(t: UpdatesMissing, retire_frames: int) -> str | None:
    if t.dropout_frame_threshold + 1 < retire_frames:
        return None
    return f"a vehicle is forgotten after {retire_frames} silent frames, before the threshold is passed"


@rule(
    name="updates_missing",
    anomaly_type=AnomalyType.DROPOUT_PROXY,
    thresholds=UpdatesMissing,
    explain=explain_silence,
    sentence="Nothing has been heard of this vehicle for several frames.",
    units={"dropout_frame_threshold": "frames"},
    impossible=_is_forgotten_first,
)
def updates_missing(w: Window, t: UpdatesMissing) -> int:
    """INFO where the vehicle has been silent for more than the threshold."""
    return INFO if w.silent_frames > t.dropout_frame_threshold else NONE


@rule(
    name="active_agents_dropped",
    anomaly_type=AnomalyType.DROPOUT_PROXY,
    thresholds=ActiveAgentsDropped,
    explain=explain_count,
    sentence="Many agents of the scene vanished from one frame to the next; shown on its ego vehicle.",
    units={"agent_count_drop_threshold": "agents"},
    scope=Scope.SCENE,
)
def active_agents_dropped(w: Window, t: ActiveAgentsDropped) -> int:
    """WARNING, on the ego, where the scene lost more agents at once than the threshold."""
    if not w.is_ego:
        return NONE
    return WARNING if active_agent_count_delta(w) < -t.agent_count_drop_threshold else NONE
