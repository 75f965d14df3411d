"""How rules are found, and how the engine runs a tuple of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from numba.extending import overload

from fleetops.contracts.vocabulary import AnomalyType

from ..compiled import OPTIONS, compiled
from ..windows import Window

T = TypeVar("T", bound="tuple[Any, ...]")

Features = dict[str, float | None]
"""Feature values under the keys they have on the wire; None where the window cannot say."""


class Scope(StrEnum):
    """What a condition speaks of."""

    VEHICLE = "vehicle"
    SCENE = "scene"  # borne by the ego, and no reason to escalate the ego's own anomalies


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition: what it is called, what it reads, and how it is told to a person.

    Attributes:
        name: `triggered_rule` on the wire.
        thresholds: the NamedTuple of its thresholds; fields ending in `_frames` are spans, not thresholds.
        severity: the scalar function, NONE where the rule does not fire.
        explain: every feature the rule looked at, for evidence.
        sentence: what it means, for an operator.
        units: unit per threshold field.
        reach: how many frames back it can look, this one included, with so many frames until a vehicle is forgotten.
        impossible: why it can never fire with these thresholds and so many frames until a vehicle is forgotten.
    """

    name: str
    anomaly_type: AnomalyType
    scope: Scope
    thresholds: type[tuple[Any, ...]]
    severity: Callable[[Window, Any], int]
    explain: Callable[[Window, Any], Features]
    sentence: str
    units: Mapping[str, str]
    reach: Callable[[Any, int], int]
    impossible: Callable[[Any, int], str | None]


RULES: dict[type[tuple[Any, ...]], Rule] = {}
"""Every rule, by the type of its thresholds. Filled by `@rule` at import."""


def spans(thresholds: tuple[Any, ...]) -> dict[str, int]:
    """The fields of a rule that are numbers of frames to look at, and no thresholds."""
    fields: dict[str, Any] = thresholds._asdict()  # type: ignore[attr-defined]  # every one is a NamedTuple
    return {name: int(value) for name, value in fields.items() if name.endswith("_frames")}


def _longest_span(thresholds: tuple[Any, ...], _retire_frames: int) -> int:
    return max([1, *spans(thresholds).values()])


def rule(
    *,
    name: str,
    anomaly_type: AnomalyType,
    thresholds: type[T],
    explain: Callable[[Window, T], Features],
    sentence: str,
    units: Mapping[str, str],
    scope: Scope = Scope.VEHICLE,
    reach: Callable[[T, int], int] = _longest_span,
    impossible: Callable[[T, int], str | None] = lambda _thresholds, _retire_frames: None,
) -> Callable[[Callable[[Window, T], int]], Callable[[Window, T], int]]:
    """Register the decorated scalar function as a rule and mark it compilable."""

    def register(function: Callable[[Window, T], int]) -> Callable[[Window, T], int]:
        marked = compiled(function)
        RULES[thresholds] = Rule(
            name, anomaly_type, scope, thresholds, marked, explain, sentence, units, reach, impossible
        )
        return marked

    return register


def evaluate_rules(window: Window, rules: tuple[Any, ...], fired: npt.NDArray[np.int8]) -> None:
    """Write the severity of each of `rules` on `window` into `fired`."""
    for index, thresholds in enumerate(rules):
        fired[index] = RULES[type(thresholds)].severity(window, thresholds)


@overload(evaluate_rules, jit_options=OPTIONS, strict=False)  # the text below has no annotations
def _compile_evaluate_rules(window: Any, rules: Any, fired: Any) -> Any:
    """Unrolls the tuple of rules at compile time: thresholds stay run-time values, so a new value compiles nothing.

    Written out, one line a rule. As a recursion over the tuple each level was compiled with
    all that follow it: for the nine rules of `calibrated` that took four times as long.
    """
    names = {f"severity_{index}": RULES[kind.instance_class].severity for index, kind in enumerate(rules)}
    lines = [f"    fired[{index}] = {name}(window, rules[{index}])" for index, name in enumerate(names)]
    exec("\n".join(["def unrolled(window, rules, fired):", *lines]), names)  # noqa: S102 - our own text
    return names["unrolled"]
