"""The scenes of the dataset that is replayed, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import SceneDefinition, find_scene, golden_dataset, scenes_of
from fleetops.dataset.reader import Dataset
from fleetops.errors import UnknownSceneError
from fleetops.settings import ReplaySettings

from .request import FrameInterval
from .timeline import SceneSpan


class Catalog:
    """An opened dataset, the scenes in it, and which of their tracks become vehicles."""

    def __init__(self, dataset: Dataset, admission: Admission, scenes_file: Path | None = None) -> None:
        self.dataset = dataset
        self.admission = admission
        self.digest = dataset.digest
        self.scenes = scenes_of(dataset, scenes_file)
        self._by_id = {scene.scene_id: scene for scene in self.scenes}

    @classmethod
    def open(cls, settings: ReplaySettings) -> Catalog:
        """Open the configured dataset, or the golden one where none is configured.

        Raises:
            ConfigurationError: the file with scene definitions is not one.
            DatasetError: the dataset is missing or not of L5Kit's format, or lacks a defined scene.
        """
        admission = (
            Admission.everything()
            if settings.admit == "all"
            else Admission(min_probability=settings.min_label_probability)
        )
        return cls(Dataset.open(settings.dataset or golden_dataset()), admission, settings.scenes_file)

    def scene(self, scene_id: str) -> SceneDefinition:
        """The scene of this name.

        Raises:
            UnknownSceneError: there is none; says which there are.
        """
        return self._by_id.get(scene_id) or find_scene(self.scenes, scene_id)

    def spans(self, scene_ids: Sequence[str], frames: Mapping[str, FrameInterval]) -> list[SceneSpan]:
        """The frames to send of each scene: all, or those that `frames` says.

        Raises:
            UnknownSceneError: there is no such scene, or it does not hold these frames.
        """
        return [self._span(self.scene(scene_id), frames.get(scene_id)) for scene_id in scene_ids]

    @staticmethod
    def _span(scene: SceneDefinition, wanted: FrameInterval | None) -> SceneSpan:
        start, end = (wanted.start_frame, wanted.end_frame) if wanted else (scene.start_frame, scene.end_frame)
        if not scene.start_frame <= start < end <= scene.end_frame:
            raise UnknownSceneError(
                f"{scene.scene_id} holds frames [{scene.start_frame}, {scene.end_frame}); "
                f"[{start}, {end}) was asked for"
            )
        show_from = wanted.show_from if wanted else None
        if show_from is not None and not start <= show_from < end:
            raise UnknownSceneError(f"show_from {show_from} is none of the frames asked for, [{start}, {end})")
        return SceneSpan(scene.scene_id, scene.zarr_scene_index, start, end, show_from)
