"""The report that lies in the repository: `docs/scorecard.md`. Pure text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import Severity
from fleetops.dataset.faults import FAULTS

from .card import (
    AIMED_FALSE_ALERTS_PER_VEHICLE_HOUR,
    AIMED_SHARE,
    DatasetFigures,
    FaultFigures,
    Scorecard,
    TransportFigures,
)
from .judging import SHIFT_FRAMES
from .listing import Raised
from .report import delays, load_words, misses_aim, seeds_of, share
from .transport import TRANSPORT_FAULTS

_HOW = f"""\
Faults are put into copies of recorded scenes, drawn from a seed (`fleetops.dataset.faults`): into the dataset's raw
rows, so that normalization, admission and the engine meet them as they would meet real ones. A target is a vehicle
near the ego that has been driving calmly for two seconds, by its recorded motion alone: no rule set decides what is
calm. Seeds 0 to 9 are for choosing thresholds, seeds 100 to 109 are reported.

- **Raised anew** is an `ACTIVE` anomaly of the disturbed copy for which the undisturbed scene has none on the same
  vehicle, of the same type, at least as severe, within {SHIFT_FRAMES} frames.
- A fault is **recalled** when something of its type and of at least its severity is raised anew on its vehicle (on
  both, where ids are swapped; on the ego, for a blackout), from the frame of its onset to so many frames later as
  the table says.
- **Precision** is the share of all that is raised anew which names a vehicle of a fault and its type, between the
  onset and 10 frames after the fault's end. What a blackout makes of single vehicles counts against it.
- **Delay** is counted in frames (100 ms) from the first frame that differs to the frame that brought the recall.
- **False alerts** are alerts of WARNING or above in generated traffic without any fault, as operator-service would
  open them: one per vehicle and type until it is resolved. Vehicle-hours are telemetry records, ego included, at 10
  Hz.
- The **load** on an operator of 100 vehicles is in the words of EEMUA 191: up to 1 alert in ten minutes is very
  likely acceptable, up to 2 manageable, up to 10 likely over-demanding, more is very likely unacceptable.
"""


def to_markdown(cards: Sequence[Scorecard], raised: Mapping[str, Sequence[Raised]], command: str) -> str:
    """The whole page.

    Args:
        raised: by dataset, what the first rule set raises where nothing was disturbed.
        command: what makes this page.
    """
    return "\n".join(_page(cards, raised, command)).rstrip() + "\n"


def _page(cards: Sequence[Scorecard], raised: Mapping[str, Sequence[Raised]], command: str) -> Iterator[str]:
    first, names = cards[0], [card.rule_set.partition("@")[0] for card in cards]
    yield f"# Scorecard\n\nMade by `{command}`. Do not edit.\n"
    yield f"Seeds {seeds_of(first.seeds)}. Aimed at are recall and precision of {AIMED_SHARE} for every fault, and the"
    yield "median delays further down. Figures in bold miss their aim.\n"
    yield from _provenance(cards)
    yield "## Faults\n"
    yield from _faults([(name, card.faults) for name, card in zip(names, cards, strict=True)])
    yield "## Transport\n\nWhat may happen to records on their way, and must raise nothing.\n"
    yield from _transport([(name, card.transport) for name, card in zip(names, cards, strict=True)])
    yield "## Where nothing is wrong\n"
    yield from _traffic(cards, names)
    for index, dataset in enumerate(first.datasets):
        yield f"## Faults in {dataset.name}\n"
        parts = [(name, card.datasets[index].faults) for name, card in zip(names, cards, strict=True)]
        yield from _faults(parts)
    yield from _catalogue()
    yield "## How it is measured\n"
    yield _HOW
    for name, findings in raised.items():
        yield from _listing(name, names[0], findings)


def _provenance(cards: Sequence[Scorecard]) -> Iterator[str]:
    yield "| | |\n| --- | --- |"
    for card in cards:
        yield f"| rule set | `{card.rule_set}` |"
        yield f"| digest of all its findings | `{card.digest}` |"
    for dataset in cards[0].datasets:
        yield f"| {_described(dataset)} | `{dataset.digest}` |"
    yield ""


def _described(dataset: DatasetFigures) -> str:
    plural = "" if dataset.scenes == 1 else "s"
    return f"{dataset.name}: {dataset.scenes} scene{plural}, {dataset.vehicle_hours:.2f} vehicle-hours"


def _faults(parts: Sequence[tuple[str, Mapping[str, FaultFigures]]]) -> Iterator[str]:
    heads = [f"{name}: {what}" for name, _ in parts for what in ("recall", "precision", "delay p50 / p95")]
    yield f"| fault | injected | {' | '.join(heads)} |"
    yield f"| --- | ---: |{' ---: |' * len(heads)}"
    for fault, figures in parts[0][1].items():
        cells = [cell for _, of in parts for cell in _cells(fault, of[fault])]
        yield f"| {fault} | {figures.injected} | {' | '.join(cells)} |"
    yield ""


def _cells(fault: str, figures: FaultFigures) -> list[str]:
    texts = (share(figures.recall), share(figures.precision), delays(figures))
    return [f"**{text}**" if bad else text for text, bad in zip(texts, misses_aim(fault, figures), strict=True)]


def _transport(parts: Sequence[tuple[str, Mapping[str, TransportFigures]]]) -> Iterator[str]:
    heads = [f"{name}: {what}" for name, _ in parts for what in ("raised anew", "runs with other findings")]
    yield f"| on the way | runs | {' | '.join(heads)} |"
    yield f"| --- | ---: |{' ---: |' * len(heads)}"
    for name, disturb in TRANSPORT_FAULTS.items():
        cells = [str(count) for _, of in parts for count in (of[name].raised, of[name].changed)]
        sentence = (disturb.__doc__ or "").partition("\n")[0].rstrip(".")
        yield f"| {name}: {sentence[:1].lower()}{sentence[1:]} | {parts[0][1][name].runs} | {' | '.join(cells)} |"
    yield ""


def _traffic(cards: Sequence[Scorecard], names: Sequence[str]) -> Iterator[str]:
    watched = [card.traffic for card in cards if card.traffic is not None]
    yield f"| | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}"
    loads = " | ".join(load_words(card.undisturbed) for card in cards)
    yield f"| alerts per 10 minutes and 100 vehicles, in the scenes above | {loads} |"
    if len(watched) == len(cards):
        hours = watched[0].warnings.vehicle_hours
        counts = " | ".join(f"{each.warnings.alerts:,}" for each in watched)
        yield f"| false alerts of WARNING or above in {hours:,.1f} vehicle-hours of generated traffic | {counts} |"
        rates = " | ".join(f"{each.warnings.per_vehicle_hour:,.2f}" for each in watched)
        aim = f"{AIMED_FALSE_ALERTS_PER_VEHICLE_HOUR:g}"
        yield f"| the same per vehicle-hour (aimed at: at most {aim}) | {rates} |"
        by_rule = " | ".join(_counts(each.by_rule) for each in watched)
        yield f"| by rule | {by_rule} |"
        loads = " | ".join(load_words(each.alerts) for each in watched)
        yield f"| alerts per 10 minutes and 100 vehicles, in that traffic | {loads} |"
    yield ""


def _counts(by_rule: Mapping[str, int]) -> str:
    return ", ".join(f"{rule} {count:,}" for rule, count in by_rule.items()) or "none"


def _catalogue() -> Iterator[str]:
    yield "## What is done, and what is expected\n"
    yield "| fault | a vehicle | to be called | at least | within frames | median delay at most |"
    yield "| --- | --- | --- | --- | ---: | ---: |"
    for fault in FAULTS:
        yield (
            f"| {fault.name} | {fault.sentence} | {fault.anomaly_type} | {fault.severity} "
            f"| {fault.within_frames} | {fault.aimed_delay_frames} |"
        )
    yield ""


def _listing(dataset: str, rules: str, findings: Sequence[Raised]) -> Iterator[str]:
    loud = sum(each.anomaly.severity is not Severity.INFO for each in findings)
    yield f"## Everything that {rules} raises in {dataset}\n"
    yield f"Undisturbed: {loud} of WARNING or above, {len(findings) - loud} of INFO. One by one, with the evidence that"
    yield "an operator would get; histories are of the last ten sightings, the newest last.\n"
    for each in sorted(findings, key=lambda one: (one.anomaly.severity is Severity.INFO, one.key)):
        yield from _one(each)


def _one(raised: Raised) -> Iterator[str]:
    anomaly = raised.anomaly
    yield (
        f"- **{anomaly.severity} {anomaly.triggered_rule}**, {anomaly.vehicle_id}, frame "
        f"{anomaly.provenance.frame_index} ({anomaly.anomaly_type}): {raised.judgement}"
    )
    features = ", ".join(f"{name} {value:.2f}" for name, value in anomaly.features.items() if value is not None)
    yield f"  - {features}"
    for name, series, decimals in _histories(anomaly):
        yield f"  - {name}: {' '.join(f'{value:.{decimals}f}' for value in series[-_SHOWN:])}"
    yield ""


_SHOWN = 10


def _histories(anomaly: Anomaly) -> Iterator[tuple[str, Sequence[float], int]]:
    evidence = anomaly.evidence
    yield "speed m/s", evidence.velocity_history, 1
    yield "x m", evidence.position_x_history, 1
    yield "y m", evidence.position_y_history, 1
    yield "heading rad", evidence.yaw_history, 2
    yield "label probability", evidence.label_probability_history, 2
