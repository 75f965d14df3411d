"""The scenes that can be replayed: name, zarr scene and frame interval."""

from __future__ import annotations

from dataclasses import dataclass

from fleetops.errors import UnknownSceneError

from .reader import Dataset

_NAMES_IN_MESSAGE = 5


@dataclass(frozen=True, slots=True)
class SceneDefinition:
    """Frames [`start_frame`, `end_frame`) of one zarr scene, under the name that vehicles carry."""

    scene_id: str
    zarr_scene_index: int
    start_frame: int
    end_frame: int
    description: str


def scenes_of(dataset: Dataset) -> tuple[SceneDefinition, ...]:
    """Every scene of a dataset, whole, named by its number: `scene_00042`."""
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
