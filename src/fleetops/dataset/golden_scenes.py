"""The scenes that can be replayed: name, zarr scene and frame interval.

A dataset of somebody else's offers each of its scenes whole. The golden dataset, which is shipped with the package
and made by `fleetops scenes build`, offers three under names of their own; a file may define others.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fleetops.errors import ConfigurationError, DatasetError, UnknownSceneError

from .reader import Dataset

_NAMES_IN_MESSAGE = 5

MARKER = "fleetops_scenes"
"""Attribute of the zarr group that says whose scenes it holds. It survives any copy of the dataset."""

MARKED_GOLDEN = "golden"


@dataclass(frozen=True, slots=True)
class SceneDefinition:
    """Frames [`start_frame`, `end_frame`) of one zarr scene, under the name that vehicles carry."""

    scene_id: str
    zarr_scene_index: int
    start_frame: int
    end_frame: int
    description: str


GOLDEN_SCENES = (
    SceneDefinition("scene_001", 0, 0, 600, "Highway merge with multiple vehicles"),
    SceneDefinition("scene_002", 1, 0, 600, "Urban intersection with traffic"),
    SceneDefinition("scene_003", 2, 0, 600, "City street with lane changes"),
)
"""The scenes of the golden dataset: 60 s at 10 Hz each."""


def golden_dataset() -> Path:
    """The zarr that is shipped with the package.

    Raises:
        DatasetError: this installation lacks it, or is packed into an archive, which zarr cannot read.
    """
    path = files("fleetops.dataset") / "golden" / "scenes.zarr"
    if not isinstance(path, Path) or not path.is_dir():
        raise DatasetError(
            f"the golden dataset is not at {path}, where the package has it; install fleetops again as a folder, "
            "or name another dataset: --dataset PATH (or FLEETOPS_REPLAY__DATASET=PATH)"
        )
    return path


def scenes_of(dataset: Dataset, scenes_file: Path | None = None) -> tuple[SceneDefinition, ...]:
    """The scenes of a dataset: those that the file defines, or the golden ones, or each scene whole as `scene_00042`.

    Raises:
        ConfigurationError: the file is no list of scene definitions.
        UnknownSceneError: the dataset does not hold a defined scene's frames; says what it does hold.
    """
    if scenes_file is not None:
        return checked(read_definitions(scenes_file), dataset)
    if _is_golden(dataset.path):
        return checked(GOLDEN_SCENES, dataset)
    scenes = (dataset.scene(index) for index in range(dataset.scene_count))
    return tuple(
        SceneDefinition(
            scene_id=f"scene_{scene.index:05d}",
            zarr_scene_index=scene.index,
            start_frame=0,
            end_frame=scene.frame_count,
            description=f"Scene {scene.index} of {dataset.path.name}, recorded by {scene.host or 'an unnamed host'}",
        )
        for scene in scenes
    )


def read_definitions(path: Path) -> tuple[SceneDefinition, ...]:
    """Scene definitions of a JSON file: a list of objects with the fields of `SceneDefinition`.

    Raises:
        ConfigurationError: it is not there, or not such a list.
    """
    expected = (
        "expected a JSON list of objects with scene_id, zarr_scene_index, start_frame, end_frame and description, "
        "as scripts/seed_golden_scenes.py writes it"
    )
    try:
        definitions = TypeAdapter(tuple[SceneDefinition, ...]).validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise ConfigurationError(
            f"the scene definitions {path} cannot be read ({error.strerror}); {expected}"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigurationError(f"{path} holds no scene definitions ({where}: {first['msg']}); {expected}") from error
    if not definitions:
        raise ConfigurationError(f"{path} defines no scene; {expected}")
    twice = [name for name, count in Counter(scene.scene_id for scene in definitions).items() if count > 1]
    if twice:
        raise ConfigurationError(f"{path} defines {twice[0]!r} twice; give every scene a name of its own")
    return definitions


def checked(definitions: tuple[SceneDefinition, ...], dataset: Dataset) -> tuple[SceneDefinition, ...]:
    """The same definitions, each of which `dataset` holds.

    Raises:
        UnknownSceneError: it does not hold one; says what it does hold.
    """
    for scene in definitions:
        wanted = (
            f"{scene.scene_id} is frames [{scene.start_frame}, {scene.end_frame}) of scene {scene.zarr_scene_index}"
        )
        if not 0 <= scene.zarr_scene_index < dataset.scene_count:
            raise UnknownSceneError(f"{wanted}, but {dataset.path} holds scenes 0 to {dataset.scene_count - 1}")
        count = dataset.scene(scene.zarr_scene_index).frame_count
        if not 0 <= scene.start_frame < scene.end_frame <= count:
            raise UnknownSceneError(
                f"{wanted}, but {dataset.path} holds frames [0, {count}) of it; "
                "scripts/seed_golden_scenes.py picks intervals that a dataset does hold"
            )
    return definitions


def find_scene(scenes: tuple[SceneDefinition, ...], scene_id: str) -> SceneDefinition:
    """The scene of this name.

    Raises:
        UnknownSceneError: there is none; the message says which there are.
    """
    for scene in scenes:
        if scene.scene_id == scene_id:
            return scene
    names = [scene.scene_id for scene in scenes]
    if len(names) > _NAMES_IN_MESSAGE:
        names = [*names[: _NAMES_IN_MESSAGE - 1], f"… {names[-1]} ({len(names)} scenes)"]
    raise UnknownSceneError(f"no scene is named {scene_id!r}; there are {', '.join(names)}")


def _is_golden(path: Path) -> bool:
    try:
        attributes = json.loads((path / ".zattrs").read_bytes())
    except (OSError, ValueError):
        return False  # a dataset need not have attributes
    return isinstance(attributes, dict) and attributes.get(MARKER) == MARKED_GOLDEN
