"""The closed sets of words that messages are made of."""

from __future__ import annotations

from enum import StrEnum


class AnomalyType(StrEnum):
    """The three kinds of anomaly. The order is the engine's numbering."""

    SUDDEN_DECELERATION = "sudden_deceleration"
    PERCEPTION_INSTABILITY = "perception_instability"
    DROPOUT_PROXY = "dropout_proxy"


class Severity(StrEnum):
    """How much an anomaly matters. The order is ascending."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class AnomalyStatus(StrEnum):
    """Whether a message opens (or raises) a condition, or says that it ended."""

    ACTIVE = "ACTIVE"
    CLEARED = "CLEARED"


class Purpose(StrEnum):
    """What a replay session is for: `review` sessions open no alerts."""

    LIVE = "live"
    REVIEW = "review"


class MessageKind(StrEnum):
    """Value of the record header `kind`."""

    TELEMETRY = "telemetry"
    FRAME_END = "frame_end"
    SCENE_END = "scene_end"
    ANOMALY = "anomaly"
    ALERT = "alert"
    ACTION = "action"


class AlertStatus(StrEnum):
    """Where an alert stands: OPEN, then ACKNOWLEDGED, then RESOLVED."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESOLVED = "RESOLVED"


class VehicleState(StrEnum):
    """What an operator sees of a vehicle at a glance."""

    NORMAL = "NORMAL"
    DEGRADED = "DEGRADED"
    ALERTING = "ALERTING"
    UNDER_INTERVENTION = "UNDER_INTERVENTION"


class ActionType(StrEnum):
    """What an operator can do. Interventions are simulated."""

    ACKNOWLEDGE = "ACKNOWLEDGE"
    UNACKNOWLEDGE = "UNACKNOWLEDGE"
    ASSIGN_OPERATOR = "ASSIGN_OPERATOR"
    PULL_OVER_SIMULATED = "PULL_OVER_SIMULATED"
    REQUEST_REMOTE_ASSIST = "REQUEST_REMOTE_ASSIST"
    PICK_UP_REMOTE_ASSIST = "PICK_UP_REMOTE_ASSIST"
    CLOSE_REMOTE_ASSIST = "CLOSE_REMOTE_ASSIST"
    RESUME_SIMULATION = "RESUME_SIMULATION"
    RESOLVE = "RESOLVE"
    SNOOZE = "SNOOZE"
    UNSNOOZE = "UNSNOOZE"
    COMMENT = "COMMENT"


class Label(StrEnum):
    """Perception classes in the order of L5Kit's `label_probabilities`, then the ego.

    Source: `l5kit.data.labels.PERCEPTION_LABELS`, without the `PERCEPTION_LABEL_` prefix.
    """

    NOT_SET = "NOT_SET"
    UNKNOWN = "UNKNOWN"
    DONTCARE = "DONTCARE"
    CAR = "CAR"
    VAN = "VAN"
    TRAM = "TRAM"
    BUS = "BUS"
    TRUCK = "TRUCK"
    EMERGENCY_VEHICLE = "EMERGENCY_VEHICLE"
    OTHER_VEHICLE = "OTHER_VEHICLE"
    BICYCLE = "BICYCLE"
    MOTORCYCLE = "MOTORCYCLE"
    CYCLIST = "CYCLIST"
    MOTORCYCLIST = "MOTORCYCLIST"
    PEDESTRIAN = "PEDESTRIAN"
    ANIMAL = "ANIMAL"
    AVRESEARCH_DONTCARE = "AVRESEARCH_DONTCARE"
    EGO = "EGO"
