"""What `fleetops score` does. It joins what rooms may not: the scorecard, and the traffic that scenes make."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fleetops.anomaly.rule_set import RuleSet, load_rule_set
from fleetops.anomaly.scorecard.card import Traffic
from fleetops.anomaly.scorecard.listing import raised_in, read_judgements
from fleetops.anomaly.scorecard.page import to_markdown
from fleetops.anomaly.scorecard.report import as_table, to_json
from fleetops.anomaly.scorecard.scoring import REPORTING, TUNING, Miss, score, steps, watch_traffic
from fleetops.dataset.golden_scenes import GOLDEN_SCENES, golden_dataset, scenes_of
from fleetops.dataset.reader import Dataset
from fleetops.errors import ConfigurationError
from fleetops.scenes.folder import ZARR, dataset_folder
from fleetops.scenes.load import MOST_PER_SCENE, LoadPlan, load_scenes
from fleetops.scenes.writer import FAST

TRAFFIC_SEEDS: Final = (101, 102, 103, 104)
"""Generated traffic is of so many datasets, each of its own networks and vehicles. Thresholds saw those of 1 to 9."""

GOLDEN: Final = Path("golden")
"""Given as a dataset, it means the one that is shipped."""

_SCENE_SECONDS: Final = 60.0

_SEEDS: Final = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """What was asked for. No dataset means the golden one; no `traffic`, that `vehicle_hours` of it are generated."""

    datasets: tuple[Path, ...]
    rules: str
    against: str | None
    seeds: str
    vehicle_hours: float
    traffic: tuple[Path, ...]
    json: Path | None
    markdown: Path | None
    misses: Path | None
    judgements: Path | None


def run(options: ScoreOptions, console: Console) -> None:
    """Score, and say it wherever it was asked for.

    Raises:
        ConfigurationError: seeds that are none, SUMO missing, a file that cannot be written or read.
        DatasetError: a dataset cannot be read.
        RuleSetError: a rule set cannot be used.
    """
    for path in (options.json, options.markdown, options.misses):
        if path is not None and not path.parent.is_dir():  # a scorecard takes minutes: not to be lost at their end
            raise ConfigurationError(f"there is no folder {path.parent} to write {path.name} into; make it first")
    rule_sets = [load_rule_set(name) for name in (options.rules, options.against) if name is not None]
    seeds = seeds_in(options.seeds)
    judgements = read_judgements(options.judgements)
    datasets = _named(options.datasets or (GOLDEN,))
    with _progress(console) as progress:
        task = progress.add_task("faults", total=steps(datasets.values(), seeds))
        scored = score(rule_sets, datasets, seeds, lambda what: progress.update(task, advance=1, description=what))
        traffic = _traffic(options, rule_sets, progress)
    cards = [replace(card, traffic=each) for (card, _), each in zip(scored, traffic, strict=True)]
    console.print(as_table(cards))
    if options.json is not None:
        _write(options.json, json.dumps(to_json(cards), indent=2) + "\n")
    if options.misses is not None:
        told = zip(rule_sets, scored, strict=True)
        _write(options.misses, "".join(_miss_line(rules, miss) for rules, (_, misses) in told for miss in misses))
    if options.markdown is not None:
        raised = {name: raised_in(dataset, rule_sets[0], judgements) for name, dataset in datasets.items()}
        _write(options.markdown, to_markdown(cards, raised, _COMMAND))


_COMMAND: Final = "make scorecard"


def seeds_in(text: str) -> tuple[int, ...]:
    """`tuning`, `reporting`, or numbers and ranges: `3`, `0-4,7`.

    Raises:
        ConfigurationError: it is none of these.
    """
    named = {"tuning": TUNING, "reporting": REPORTING}
    if text in named:
        return named[text]
    seeds: list[int] = []
    for part in text.split(","):
        numbers = _SEEDS.fullmatch(part.strip())
        first, last = (int(numbers[1]), int(numbers[2] or numbers[1])) if numbers else (1, 0)
        if last < first:
            raise ConfigurationError(f"--seeds {text!r}: expected `tuning`, `reporting`, or numbers such as 0-4,7")
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))


def _named(paths: Sequence[Path]) -> dict[str, Dataset]:
    """Datasets by the names they get in the report: that of the file, and of its folder where that does not tell."""
    named: dict[str, Dataset] = {}
    for path in (golden_dataset() if path == GOLDEN else path for path in paths):
        whole = path.resolve()
        alike = [other for other in paths if other.name == path.name]
        dataset = Dataset.open(path)
        if scenes_of(dataset) == GOLDEN_SCENES:
            name = "the golden scenes"
        else:
            name = whole.name if len(alike) == 1 else f"{whole.parent.name}/{whole.name}"
        if name in named:
            raise ConfigurationError(f"{path}: a dataset of this name was given already; name each once")
        named[name] = dataset
    return named


def _traffic(options: ScoreOptions, rule_sets: Sequence[RuleSet], progress: Progress) -> Sequence[Traffic | None]:
    if options.traffic:
        datasets = [Dataset.open(path) for path in options.traffic]
        task = progress.add_task("traffic", total=sum(dataset.scene_count for dataset in datasets))
        return watch_traffic(rule_sets, datasets, lambda _: progress.update(task, advance=1))
    if not options.vehicle_hours:
        return [None] * len(rule_sets)
    task = progress.add_task("traffic", total=len(TRAFFIC_SEEDS) * _plan(options.vehicle_hours, 0).scenes)
    return watch_traffic(
        rule_sets, generated_traffic(options.vehicle_hours), lambda _: progress.update(task, advance=1)
    )


def generated_traffic(vehicle_hours: float) -> Iterator[Dataset]:
    """About so much traffic without a scripted fault, of several networks; each dataset is gone when the next comes.

    Raises:
        ConfigurationError: SUMO is not installed.
    """
    for seed in TRAFFIC_SEEDS:
        with tempfile.TemporaryDirectory(prefix="fleetops-traffic-") as scratch:
            folder = Path(scratch, "traffic")
            with dataset_folder(folder, FAST, {}) as made:
                for index, scene in enumerate(load_scenes(_plan(vehicle_hours, seed))):
                    made.add(f"scene_{index:05d}", scene.rows, scene.net_xml, scene.placement)
            yield Dataset.open(folder / ZARR)


def _plan(vehicle_hours: float, seed: int) -> LoadPlan:
    vehicles = max(1, round(vehicle_hours * 3600 / _SCENE_SECONDS / len(TRAFFIC_SEEDS)))
    return LoadPlan(vehicles, -(-vehicles // MOST_PER_SCENE), seed, _SCENE_SECONDS)


def _miss_line(rules: RuleSet, miss: Miss) -> str:
    return json.dumps({"rule_set": rules.name, **asdict(miss)}) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error}); name a file in a folder that is there"
        ) from error


def _progress(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not console.is_terminal)
