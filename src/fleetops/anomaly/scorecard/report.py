"""A scorecard as a program reads it, and as a person does at the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..load import Load
from .card import AIMED_DELAY_FRAMES, AIMED_FALSE_ALERTS_PER_VEHICLE_HOUR, AIMED_SHARE, FaultFigures, Scorecard


def to_json(cards: Sequence[Scorecard]) -> dict[str, object]:
    """The first card as a document, the second, if there is one, under `against`."""
    document = _document(cards[0])
    if len(cards) > 1:
        document["against"] = _document(cards[1])
    return document


def as_table(cards: Sequence[Scorecard]) -> RenderableType:
    """A table for each card, then what they have in common. What misses its aim is red."""
    names = [card.rule_set.partition("@")[0] for card in cards]
    tables = [_faults(name, card) for name, card in zip(names, cards, strict=True)]
    below = Table(show_edge=False, box=None)
    below.add_column("", max_width=44)
    for name in names:
        below.add_column(name, justify="right")
    for line, values in _lines(cards):
        below.add_row(line, *values)
    digests = (Text(f"{name} {card.digest}", overflow="fold") for name, card in zip(names, cards, strict=True))
    return Group(*tables, below, *digests)


def _faults(name: str, card: Scorecard) -> Table:
    table = Table(title=f"{name}, seeds {seeds_of(card.seeds)}", title_justify="left")
    table.add_column("fault")
    for column in ("injected", "recall", "precision", "delay p50 / p95"):
        table.add_column(column, justify="right")
    for fault, figures in card.faults.items():
        table.add_row(fault, str(figures.injected), *_cells(fault, figures))
    return table


def seeds_of(seeds: Sequence[int]) -> str:
    """`0 to 9` where they follow each other, all of them otherwise."""
    if len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


class Missed(NamedTuple):
    """Which figures of a fault miss their aims."""

    recall: bool
    precision: bool
    delay: bool


def misses_aim(fault: str, figures: FaultFigures) -> Missed:
    """Whether a fault is found, named or timed worse than aimed at; one that was never injected misses nothing."""
    if not figures.injected:
        return Missed(recall=False, precision=False, delay=False)
    delay = figures.delay_p50_frames
    return Missed(
        recall=figures.recall is None or figures.recall < AIMED_SHARE,
        precision=figures.precision is None or figures.precision < AIMED_SHARE,
        delay=delay is None or delay > AIMED_DELAY_FRAMES[fault],
    )


def share(value: float | None) -> str:
    """A share to three decimals, a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


def delays(figures: FaultFigures) -> str:
    """Both percentiles, in frames."""
    if figures.delay_p50_frames is None or figures.delay_p95_frames is None:
        return "-"
    return f"{figures.delay_p50_frames:g} / {figures.delay_p95_frames:g}"


def load_words(load: Load) -> str:
    """A load as a person reads it."""
    return f"{load.per_10_minutes:,.1f} ({load.band})"


def _document(card: Scorecard) -> dict[str, object]:
    document: dict[str, object] = {
        "rule_set": card.rule_set,
        "dataset": ", ".join(dataset.digest for dataset in card.datasets),
        "seeds": list(card.seeds),
        "faults": {name: asdict(figures) for name, figures in card.faults.items()},
        "false_alerts_per_vehicle_hour": _rounded(card.false_alerts_per_vehicle_hour),
        "digest": card.digest,
        "transport": {name: asdict(figures) for name, figures in card.transport.items()},
        "load": _load(card.undisturbed),
        "datasets": [
            {
                "name": each.name,
                "digest": each.digest,
                "scenes": each.scenes,
                "vehicle_hours": round(each.vehicle_hours, 4),
                "faults": {name: asdict(figures) for name, figures in each.faults.items()},
            }
            for each in card.datasets
        ],
    }
    if card.traffic is not None:
        document["traffic"] = {
            "vehicle_hours": round(card.traffic.warnings.vehicle_hours, 4),
            "false_alerts": card.traffic.warnings.alerts,
            "false_alerts_by_rule": dict(card.traffic.by_rule),
            "load": _load(card.traffic.alerts),
        }
    return document


def _load(load: Load) -> dict[str, object]:
    return {
        "alerts": load.alerts,
        "vehicle_hours": round(load.vehicle_hours, 4),
        "alerts_per_10_minutes_per_100_vehicles": round(load.per_10_minutes, 4),
        "eemua_191": load.band,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _cells(fault: str, figures: FaultFigures) -> list[Text]:
    texts = (share(figures.recall), share(figures.precision), delays(figures))
    return [_aimed(text, not missed) for text, missed in zip(texts, misses_aim(fault, figures), strict=True)]


def _lines(cards: Sequence[Scorecard]) -> list[tuple[str, list[Text]]]:
    lines = [
        (
            f"raised by {name.replace('_', ' ')} ({cards[0].transport[name].runs} runs)",
            [_aimed(str(card.transport[name].raised), card.transport[name].raised == 0) for card in cards],
        )
        for name in cards[0].transport
    ]
    lines.append(
        (
            "alerts per 10 minutes and 100 vehicles, these scenes undisturbed",
            [Text(load_words(card.undisturbed)) for card in cards],
        )
    )
    traffic = [card.traffic for card in cards if card.traffic is not None]
    if len(traffic) == len(cards):
        hours = traffic[0].warnings.vehicle_hours
        rates = [each.warnings.per_vehicle_hour for each in traffic]
        aimed = [_aimed(f"{rate:,.2f}", rate <= AIMED_FALSE_ALERTS_PER_VEHICLE_HOUR) for rate in rates]
        lines.append((f"false alerts of WARNING or above per vehicle-hour ({hours:,.1f} watched)", aimed))
        loads = [Text(load_words(each.alerts)) for each in traffic]
        lines.append(("alerts per 10 minutes and 100 vehicles, that traffic", loads))
    return lines


def _aimed(text: str, is_met: bool) -> Text:
    return Text(text, style="" if is_met else "red")
