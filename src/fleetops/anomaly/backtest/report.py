"""A finished backtest, as a person reads it and as a program does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from fleetops.anomaly.load import FLEET, RESOLVE_FRAMES
from fleetops.anomaly.rule_set import RuleSet
from fleetops.contracts.vocabulary import AnomalyType, Severity
from fleetops.contracts.wire import utc_from_ms

from .compare import Change, ChangeKind
from .tally import Tally, Volume
from .told import RANK

MOST_MOMENTS = 10_000
"""Changes that go into the JSON one by one; Parquet has them all."""

_SHOWN_MOMENTS = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to.

    Attributes:
        tallies: of the rule set tried and, where there is one, of the one it is compared with.
        moments: the first changes, in order of scene and frame; `changes` counts them all.
        seconds: wall time of this run, and `rows_read` the rows that it read: less than all when it went on with
            an earlier run's results.
    """

    dataset: str
    rule_sets: tuple[RuleSet, ...]
    volume: Volume
    tallies: tuple[Tally, ...]
    changes: Mapping[ChangeKind, int]
    moments: Sequence[Change]
    seconds: float
    rows_read: int

    @property
    def rows_per_second(self) -> float:
        """Rows that this run read, per second."""
        return self.rows_read / self.seconds if self.seconds else 0.0


def to_json(report: Report) -> dict[str, object]:
    """The report as a JSON document."""
    tried, volume = report.tallies[0], report.volume
    document: dict[str, object] = {
        "rule_set": report.rule_sets[0].identity,
        "dataset": report.dataset,
        "scenes": volume.scenes,
        "rows": volume.rows,
        "vehicle_hours": round(volume.vehicle_hours, 6),
        **_figures(tried, volume),
        "seconds": round(report.seconds, 3),
        "rows_per_second": round(report.rows_per_second),
    }
    if len(report.tallies) > 1:
        total = sum(report.changes.values())
        document["against"] = {
            "rule_set": report.rule_sets[1].identity,
            **_figures(report.tallies[1], volume),
            "changes": {kind.value: report.changes.get(kind, 0) for kind in ChangeKind},
            "moments": [_moment(change) for change in report.moments],
            "moments_left_out": total - len(report.moments),
        }
    return document


def show(report: Report, console: Console) -> None:
    """The report for the terminal."""
    volume = report.volume
    names = [rules.name for rules in report.rule_sets]
    if len(set(names)) < len(names):
        names = [f"{rules.name} {rules.digest[:8]}" for rules in report.rule_sets]
    table = Table(
        title=f"{volume.scenes:,} scenes, {volume.rows:,} rows, {volume.vehicle_hours:,.2f} vehicle-hours",
        title_justify="left",
    )
    table.add_column("raised or escalated", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for line, values in _lines(report):
        table.add_row(line, *values)
    console.print(table)
    lines = _loads(report, names)
    if len(names) > 1:
        lines += _changes(report, names)
    lines += [f"{name} {tally.digest}" for name, tally in zip(names, report.tallies, strict=True)]
    took = timedelta(seconds=round(report.seconds))
    lines.append(f"{report.rows_read:,} rows in {took}, {report.rows_per_second:,.0f} rows/s")
    for line in lines:  # whole, however narrow the terminal: links and digests are to be copied
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _figures(tally: Tally, volume: Volume) -> dict[str, object]:
    return {
        "anomalies": {
            kind.value: {severity.value: tally.anomalies.get((kind, severity), 0) for severity in Severity}
            for kind in AnomalyType
        },
        "rules": dict(sorted(tally.rules.items())),
        "load": _load(tally, volume),
        "digest": tally.digest,
    }


def _load(tally: Tally, volume: Volume) -> dict[str, object]:
    document: dict[str, object] = {"vehicles_per_operator": FLEET, "resolve_delay_frames": RESOLVE_FRAMES}
    for floor in Severity:
        load = tally.load(volume, floor)
        document[floor.value] = {
            "alerts": load.alerts,
            "alerts_per_vehicle_hour": round(load.per_vehicle_hour, 4),
            "alerts_per_10_minutes": round(load.per_10_minutes, 4),
            "eemua_191": load.band,
        }
    return document


def _lines(report: Report) -> list[tuple[str, list[str]]]:
    tallies = report.tallies
    lines = [
        (f"{kind} {severity}", [f"{tally.anomalies.get((kind, severity), 0):,}" for tally in tallies])
        for kind in AnomalyType
        for severity in Severity
        if any(tally.anomalies.get((kind, severity)) for tally in tallies)
    ]
    rules = sorted({rule for tally in tallies for rule in tally.rules})
    lines += [(f"  by {rule}", [f"{tally.rules.get(rule, 0):,}" for tally in tallies]) for rule in rules]
    for floor in (Severity.INFO, Severity.WARNING):
        words = "alerts" if floor is Severity.INFO else f"alerts of {floor} or above"
        loads = [tally.load(report.volume, floor) for tally in tallies]
        lines.append((words, [f"{load.alerts:,}" for load in loads]))
        lines.append(("  per 10 minutes, 100 vehicles", [f"{load.per_10_minutes:,.1f}" for load in loads]))
    return lines


def _loads(report: Report, names: Sequence[str]) -> list[str]:
    loads = [tally.load(report.volume, Severity.WARNING) for tally in report.tallies]
    return [
        f"{name}: {load.per_10_minutes:,.1f} alerts of WARNING or above per 10 minutes to the operator of {FLEET} "
        f"vehicles are {load.band} (EEMUA 191)"
        for name, load in zip(names, loads, strict=True)
    ]


def _changes(report: Report, names: Sequence[str]) -> list[str]:
    """How many changes there are, and the gravest of them."""
    counts = ", ".join(f"{report.changes.get(kind, 0):,} {kind}" for kind in ChangeKind)
    lines = [f"{names[0]} against {names[1]}: {counts}"]
    shown = sorted(report.moments, key=_gravity)[:_SHOWN_MOMENTS]
    for change in shown:
        before = "nothing" if change.severity_before is None else f"{change.severity_before} at {change.frame_before}"
        now = "nothing" if change.severity is None else f"{change.severity} at {change.frame_index}"
        lines.append(f"  {change.kind:8} {change.anomaly_type}: {before} -> {now}  {change.link}")
    more = sum(report.changes.values()) - len(shown)
    return [*lines, f"  and {more:,} more"] if more else lines


def _gravity(change: Change) -> tuple[int, int]:
    """What is gained before what is lost, and the worst first."""
    severities = [severity for severity in (change.severity, change.severity_before) if severity is not None]
    return -max(RANK[severity] for severity in severities), list(ChangeKind).index(change.kind)


def _moment(change: Change) -> dict[str, object]:
    return {
        "change": change.kind.value,
        "scene_id": change.scene_id,
        "frame_index": change.frame_index,
        "vehicle_id": change.vehicle_id,
        "anomaly_type": change.anomaly_type.value,
        "triggered_rule": change.rule,
        "severity": change.severity,
        "frame_index_before": change.frame_before,
        "triggered_rule_before": change.rule_before,
        "severity_before": change.severity_before,
        "event_time": utc_from_ms(change.event_time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "link": change.link,
    }
