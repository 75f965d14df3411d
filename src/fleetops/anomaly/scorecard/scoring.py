"""Runs rule sets over disturbed and undisturbed copies of the same scenes."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from fleetops.contracts.vocabulary import Severity
from fleetops.dataset.faults import FAULTS, Fault, Injection, inject
from fleetops.dataset.faults.recorded import Recorded
from fleetops.dataset.golden_scenes import scenes_of
from fleetops.dataset.reader import Dataset

from ..digest import Finding, combined_digest, finding_of, scene_digest
from ..engine import Advance, compiled_advance
from ..load import FRAMES_PER_HOUR, Load, alerts_opened
from ..rule_set import RuleSet
from ..windows import Structured
from .card import DatasetFigures, FaultFigures, Scorecard, Traffic, TransportFigures
from .judging import Tally, judge, missed, raised_anew, renamed_in, unexplained
from .runs import Detector, Scene
from .transport import TRANSPORT_FAULTS, Disturbance

PER_SCENE: Final = 3
"""Faults of one kind in one disturbed copy, each on a vehicle of its own: few enough not to look like a blackout."""

TUNING: Final = tuple(range(10))
"""Seeds to choose thresholds by."""

REPORTING: Final = tuple(range(100, 110))
"""Seeds whose figures are reported. No threshold was chosen by them."""

Step = Callable[[str], None]
"""Told after each piece of work what it was."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A fault that was not recalled, or a finding that no fault explains: something to look at."""

    dataset: str
    scene_id: str
    fault: str
    seed: int
    injection: Injection | None
    finding: Finding | None


@dataclass(slots=True)
class _Account:
    """What one rule set is owed and owes."""

    detector: Detector
    by_fault: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_dataset: dict[str, dict[str, Tally]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Tally)))
    runs: Counter[str] = field(default_factory=Counter)
    raised: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    undisturbed_alerts: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)

    def judge(self, run: _Run, fault: Fault, injections: Sequence[Injection], before: Sequence[Finding]) -> None:
        found = self.detector.findings(run.scene)
        raised = raised_anew(found, before, renamed_in(run.scene.scene_id, injections))
        tally = judge(fault, run.scene.scene_id, injections, raised)
        self.by_fault[fault.name].add(tally)
        self.by_dataset[run.dataset][fault.name].add(tally)
        self.digests[run.name(fault.name)] = scene_digest(found)
        facts = (run.dataset, run.scene.scene_id, fault.name, run.seed)
        self.misses += [Miss(*facts, each, None) for each in missed(fault, run.scene.scene_id, injections, raised)]
        self.misses += [Miss(*facts, None, each) for each in unexplained(fault, run.scene.scene_id, injections, raised)]

    def transport(self, run: _Run, before: Sequence[Finding]) -> None:
        for name, disturb in TRANSPORT_FAULTS.items():
            rng = np.random.default_rng([run.seed, zlib.crc32(f"{run.scene.scene_id}/{name}".encode())])
            found = self.detector.findings(run.scene, _seeded(disturb, rng))
            self.runs[name] += 1
            self.raised[name] += len(raised_anew(found, before))
            self.changed[name] += set(found) != set(before)
            self.digests[run.name(name)] = scene_digest(found)


@dataclass(frozen=True, slots=True)
class _Run:
    dataset: str
    digest: str
    scene: Scene
    seed: int

    def name(self, what: str) -> str:
        """What the run is called in the digest of all."""
        return f"{self.digest}/{self.scene.scene_id}/{self.seed}/{what}"


@dataclass(frozen=True, slots=True)
class _SourceScene:
    name: str
    dataset: Dataset
    scene_id: str
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    dataset: Dataset
    hours: float


def steps(datasets: Iterable[Dataset], seeds: Sequence[int]) -> int:
    """How often `score` will call its `step`."""
    return sum(dataset.scene_count for dataset in datasets) * len(seeds) * (len(FAULTS) + 1)


def score(
    rule_sets: Sequence[RuleSet],
    datasets: Mapping[str, Dataset],
    seeds: Sequence[int],
    step: Step = lambda _: None,
    faults: Sequence[Fault] = FAULTS,
    per_scene: int = PER_SCENE,
    advance: Advance = compiled_advance,
) -> list[tuple[Scorecard, list[Miss]]]:
    """A scorecard for each rule set, all on the very same disturbed scenes, and what to look at.

    Args:
        datasets: by the name that they have in the report.
        step: told what was done, as often as `steps` says.
        advance: the detector's loop, compiled or plain.

    Raises:
        DatasetError: a dataset cannot be read.
    """
    accounts = [_Account(Detector(rules, advance)) for rules in rule_sets]
    sources = []
    for name, dataset in datasets.items():
        rows = 0
        for scene_id, recorded in _recorded(dataset):
            source = _SourceScene(name, dataset, scene_id, recorded)
            rows += _score_scene(accounts, source, seeds, step, faults, per_scene)
        sources.append(_Source(name, dataset, rows / FRAMES_PER_HOUR))
    return [(_card(account, sources, seeds, faults), account.misses) for account in accounts]


def watch_traffic(
    rule_sets: Sequence[RuleSet],
    datasets: Iterable[Dataset],
    step: Step = lambda _: None,
    advance: Advance = compiled_advance,
) -> list[Traffic]:
    """What each rule set raises in traffic where nothing is wrong."""
    detectors = [Detector(rules, advance) for rules in rule_sets]
    alerts, warnings = [0] * len(detectors), [0] * len(detectors)
    by_rule: list[Counter[str]] = [Counter() for _ in detectors]
    rows = 0
    for dataset in datasets:
        for definition in scenes_of(dataset):
            block = dataset.block(definition.zarr_scene_index, definition.start_frame, definition.end_frame)
            scene = Scene.of(definition.scene_id, block, dataset.geo)
            rows += len(scene.columns)
            for index, detector in enumerate(detectors):
                found = {finding_of(each): each for each in detector.found(scene)}
                alerts[index] += len(alerts_opened(found))
                false = alerts_opened(found, Severity.WARNING)
                warnings[index] += len(false)
                kinds = detector.rules.kinds
                by_rule[index].update(kinds[found[each].detection["rule"]].name for each in false)
            step(definition.scene_id)
    hours = rows / FRAMES_PER_HOUR
    return [
        Traffic(Load(all_, hours), Load(some, hours), dict(sorted(rules.items())))
        for all_, some, rules in zip(alerts, warnings, by_rule, strict=True)
    ]


def _seeded(disturb: Disturbance, rng: np.random.Generator) -> Callable[[Structured], Structured]:
    return lambda items: disturb(items, rng)


def _recorded(dataset: Dataset) -> Iterator[tuple[str, Recorded]]:
    for definition in scenes_of(dataset):
        index = definition.zarr_scene_index
        yield definition.scene_id, Recorded.of(dataset.block(index, 0, dataset.scene(index).frame_count))


def _score_scene(
    accounts: Sequence[_Account],
    source: _SourceScene,
    seeds: Sequence[int],
    step: Step,
    faults: Sequence[Fault],
    per_scene: int,
) -> int:
    """Score all rule sets on one scene; says how many records the scene has."""
    recorded, digest, geo = source.recorded, source.dataset.digest, source.dataset.geo
    calm = Scene.of(source.scene_id, recorded.block, geo)
    before = [account.detector.findings(calm) for account in accounts]
    for account, findings in zip(accounts, before, strict=True):
        account.undisturbed_alerts += len(alerts_opened(findings))
    for seed in seeds:
        for fault in faults:
            disturbed = inject(recorded, fault, seed, per_scene)
            if disturbed.injections:
                run = _Run(source.name, digest, Scene.of(source.scene_id, disturbed.block, geo), seed)
                for account, findings in zip(accounts, before, strict=True):
                    account.judge(run, fault, disturbed.injections, findings)
            step(fault.name)
        for account, findings in zip(accounts, before, strict=True):
            account.transport(_Run(source.name, digest, calm, seed), findings)
        step("transport")
    return len(calm.columns)


def _card(account: _Account, sources: Sequence[_Source], seeds: Sequence[int], faults: Sequence[Fault]) -> Scorecard:
    figures = [
        DatasetFigures(
            name=source.name,
            digest=source.dataset.digest,
            scenes=source.dataset.scene_count,
            vehicle_hours=source.hours,
            faults={fault.name: FaultFigures.of(account.by_dataset[source.name][fault.name]) for fault in faults},
        )
        for source in sources
    ]
    return Scorecard(
        rule_set=account.detector.rules.identity,
        seeds=tuple(seeds),
        datasets=figures,
        faults={fault.name: FaultFigures.of(account.by_fault[fault.name]) for fault in faults},
        transport={
            name: TransportFigures(account.runs[name], account.raised[name], account.changed[name])
            for name in TRANSPORT_FAULTS
        },
        undisturbed=Load(account.undisturbed_alerts, sum(source.hours for source in sources)),
        traffic=None,
        digest=combined_digest(account.digests),
    )
