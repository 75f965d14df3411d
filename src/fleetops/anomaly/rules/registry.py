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

from ..compiled import INLINE, compiled
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
    impossible: Callable[[Any, int], str | None]


RULES: dict[type[tuple[Any, ...]], Rule] = {}
"""Every rule, by the type of its thresholds. Filled by `@rule` at import."""


def rule(
    *,
    name: str,
    anomaly_type: AnomalyType,
    thresholds: type[T],
    explain: Callable[[Window, T], Features],
    sentence: str,
    units: Mapping[str, str],
    scope: Scope = Scope.VEHICLE,
    impossible: Callable[[T, int], str | None] = lambda _thresholds, _retire_frames: None,
) -> Callable[[Callable[[Window, T], int]], Callable[[Window, T], int]]:
    """Register the decorated scalar function as a rule and mark it compilable."""

    def register(function: Callable[[Window, T], int]) -> Callable[[Window, T], int]:
        marked = compiled(function)
        RULES[thresholds] = Rule(name, anomaly_type, scope, thresholds, marked, explain, sentence, units, impossible)
        return marked

    return register


def evaluate_rules(window: Window, rules: tuple[Any, ...], fired: npt.NDArray[np.int8], first: int) -> None:
    """Write the severity of each of `rules` on `window` into `fired`, from index `first` on."""
    for index, thresholds in enumerate(rules, first):
        fired[index] = RULES[type(thresholds)].severity(window, thresholds)


@overload(evaluate_rules, jit_options=INLINE)
def _compile_evaluate_rules(window: Any, rules: Any, fired: Any, first: Any) -> Any:
    """Unrolls the tuple of rules at compile time: thresholds stay run-time values, so a new value compiles nothing."""
    if len(rules) == 0:

        def done(window: Any, rules: Any, fired: Any, first: Any) -> None:
            pass

        return done

    severity = RULES[rules[0].instance_class].severity

    def unrolled(window: Any, rules: Any, fired: Any, first: Any) -> None:
        fired[first] = severity(window, rules[0])
        evaluate_rules(window, rules[1:], fired, first + 1)

    return unrolled
