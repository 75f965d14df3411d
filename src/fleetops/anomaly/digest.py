"""One number for everything that was found: equal where, and only where, the findings are equal.

Streaming, backtest and scorecard print it, so that a re-run anywhere proves itself identical. It
knows no session and no float: what was found, on whom, when, and how bad. Each scene has a
digest of its own, sha256 over its distinct findings in ascending order, one JSON array a line;
the whole is the sha256 over the scenes that have any, in order of their names. So scenes can be
worked on apart, in any order and on any machine, and a difference can be named by its scene.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

from .engine import Found
from .evidence import SceneKey
from .severity import ANOMALY_TYPES, SEVERITIES

_quoted = lru_cache(maxsize=65_536)(json.dumps)
"""The same names and words come again and again; quoting them was most of a digest's cost."""


class Finding(NamedTuple):
    """What makes an anomaly the same anomaly, whatever the session."""

    scene_id: str
    vehicle_id: str
    frame_index: int
    anomaly_type: AnomalyType
    status: AnomalyStatus
    severity: Severity


def finding_of(found: Found[SceneKey]) -> Finding:
    """The finding that the engine made."""
    detection = found.detection
    severity = SEVERITIES[detection["severity"]]
    if severity is None:
        raise AssertionError("the detector told a detection without a severity")
    return Finding(
        found.scene.scene_id,
        found.vehicle,
        int(detection["frame"]),
        ANOMALY_TYPES[detection["anomaly_type"]],
        AnomalyStatus.CLEARED if detection["cleared"] else AnomalyStatus.ACTIVE,
        severity,
    )


def finding_in(anomaly: Anomaly) -> Finding:
    """The finding that a message on `anomalies` tells of."""
    told = anomaly.provenance
    return Finding(
        told.scene_id, anomaly.vehicle_id, told.frame_index, anomaly.anomaly_type, anomaly.status, anomaly.severity
    )


def scene_digest(findings: Iterable[Finding]) -> str:
    """sha256, as hex, over the distinct findings of one scene."""
    digest = hashlib.sha256()
    for scene_id, vehicle_id, frame, *words in sorted(set(findings)):
        rest = ",".join(map(_quoted, words))
        digest.update(f"[{_quoted(scene_id)},{_quoted(vehicle_id)},{frame},{rest}]\n".encode())
    return digest.hexdigest()


def combined_digest(scenes: Mapping[str, str]) -> str:
    """`sha256:<hex>` of a whole run, by the digests of those of its scenes that have findings."""
    digest = hashlib.sha256()
    for scene_id in sorted(scenes):
        digest.update(json.dumps([scene_id, scenes[scene_id]], separators=(",", ":")).encode() + b"\n")
    return f"sha256:{digest.hexdigest()}"


def findings_digest(findings: Iterable[Finding]) -> str:
    """`sha256:<hex>` of all findings of a run, in whatever order, and however often each was told."""
    by_scene: defaultdict[str, set[Finding]] = defaultdict(set)
    for finding in findings:
        by_scene[finding.scene_id].add(finding)
    return combined_digest({scene_id: scene_digest(found) for scene_id, found in by_scene.items()})
