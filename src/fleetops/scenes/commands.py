"""What `fleetops scenes` does."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fleetops.dataset.golden_scenes import MARKED_GOLDEN, MARKER
from fleetops.dataset.reader import Dataset
from fleetops.errors import ConfigurationError

from .folder import LABELS, ZARR, dataset_folder, write_json
from .golden import GOLDEN, golden_scenes, labels_document
from .load import LoadPlan, load_scenes
from .script import Label
from .statistics import measure
from .statistics_report import as_table
from .writer import FAST, SMALL


def build_load(output: Path, plan: LoadPlan, jobs: int, console: Console) -> None:
    """Make traffic of any amount, and say what was made.

    Raises:
        ConfigurationError: SUMO is missing, or there are fewer vehicles than scenes.
        DatasetError: the output is there already.
    """
    if plan.vehicles < plan.scenes:
        raise ConfigurationError(f"{plan.scenes} scenes need at least as many vehicles; {plan.vehicles} were asked for")
    with _progress(console) as progress, dataset_folder(output, FAST, {}) as folder:
        task = progress.add_task("scenes", total=plan.scenes)
        for index, scene in enumerate(load_scenes(plan, jobs)):
            folder.add(f"scene_{index:05d}", scene.rows, scene.net_xml, scene.placement)
            progress.update(task, advance=1, description=f"{folder.rows:,} rows")
    hours = folder.rows / 10 / 3600
    console.print(f"{plan.scenes} scenes, {folder.rows:,} rows, {hours:.1f} vehicle-hours", highlight=False)
    console.print(f"dataset: {output / ZARR}", soft_wrap=True, highlight=False)


def build_golden(output: Path, console: Console) -> None:
    """Make the golden dataset, and say what happens in it.

    Raises:
        ConfigurationError: SUMO is missing.
        DatasetError: the output is there already.
    """
    labels: list[Label] = []
    with _progress(console) as progress, dataset_folder(output, SMALL, {MARKER: MARKED_GOLDEN}) as folder:
        task = progress.add_task("scenes", total=len(GOLDEN))
        for scene in golden_scenes():
            folder.add(scene.scene_id, scene.observed.rows, scene.net_xml, scene.placement)
            labels.append(scene.label)
            progress.update(task, advance=1, description=f"{folder.rows:,} rows")
    write_json(output / LABELS, labels_document(labels))
    console.print(f"{len(labels)} scenes, {folder.rows:,} rows", highlight=False)
    for label in labels:
        frames = f"frames [{label.start_frame}, {label.end_frame})"
        console.print(f"{label.vehicle_id} {label.what}: {frames}, {label.severity}", highlight=False)
    console.print(f"dataset: {output / ZARR}", soft_wrap=True, highlight=False)


def compare(path: Path, against: Path | None, console: Console) -> None:
    """Print what trackers get wrong in one dataset, or in two side by side.

    Raises:
        DatasetError: one is no dataset, or holds no cars.
    """
    figures = measure(Dataset.open(path))
    other = None if against is None else measure(Dataset.open(against))
    console.print(as_table(figures, path.name, other, "" if against is None else against.name))


def _progress(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not console.is_terminal)
