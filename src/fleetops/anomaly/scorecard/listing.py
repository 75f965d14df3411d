"""Everything a rule set raises in undisturbed scenes, with its evidence, for a person to judge one by one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fleetops.contracts.anomalies import Anomaly
from fleetops.dataset.golden_scenes import scenes_of
from fleetops.dataset.reader import Dataset
from fleetops.errors import ConfigurationError

from ..engine import Advance, compiled_advance
from ..evidence import SceneFacts, anomaly_message
from ..rule_set import RuleSet
from .runs import Detector, Scene

_WHENEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""A processing time that no page shows."""

NOT_JUDGED: Final = "not judged yet"


@dataclass(frozen=True, slots=True)
class Raised:
    """An ACTIVE anomaly and what a person made of it."""

    anomaly: Anomaly
    judgement: str

    @property
    def key(self) -> str:
        """What judgements name it by: it stays as long as the finding does."""
        return key_of(self.anomaly)


def key_of(anomaly: Anomaly) -> str:
    """`vehicle frame type severity`: the vehicle names its scene."""
    frame = anomaly.provenance.frame_index
    return f"{anomaly.vehicle_id} {frame} {anomaly.anomaly_type} {anomaly.severity}"


def raised_in(
    dataset: Dataset, rules: RuleSet, judgements: Mapping[str, str], advance: Advance = compiled_advance
) -> list[Raised]:
    """What is raised in a dataset as it is, by scene and frame.

    Raises:
        DatasetError: it cannot be read.
    """
    detector = Detector(rules, advance)
    raised: list[Raised] = []
    for definition in scenes_of(dataset):
        block = dataset.block(definition.zarr_scene_index, definition.start_frame, definition.end_frame)
        for found in detector.found(Scene.of(definition.scene_id, block, dataset.geo)):
            if not found.detection["cleared"]:
                message = anomaly_message(found, rules, SceneFacts(), None, _WHENEVER)
                raised.append(Raised(message, judgements.get(key_of(message), NOT_JUDGED)))
    return raised


def read_judgements(path: Path | None) -> dict[str, str]:
    """A person's judgements: a TOML table `[judgements]` of `"vehicle frame type severity" = "text"`.

    Raises:
        ConfigurationError: it cannot be read, or is no such table.
    """
    if path is None:
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("judgements", {})
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"judgements cannot be read from {path}: {error}") from error
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise ConfigurationError(
            f'{path}: expected a table [judgements] of "vehicle frame type severity" = "what it really is"'
        )
    return table
