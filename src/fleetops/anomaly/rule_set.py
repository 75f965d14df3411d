"""Rule sets: which rules run, with which thresholds. Data, validated, versioned and hashed."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleetops.contracts.vocabulary import Label
from fleetops.errors import RuleSetError

from .rules import RULES, Rule, spans
from .windows import CLASS_FRAMES, REORDER_FRAMES

EVIDENCE_FRAMES = 10
"""At least this many frames of history go into the evidence: a second, as planned for the ring buffers."""

Thresholds = tuple[Any, ...]
"""A NamedTuple of thresholds, an instance of one of the types in `RULES`."""


class _Document(BaseModel):
    """A rule set as it stands in its TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    version: int = Field(ge=1)
    description: str
    rearm_frames: int = Field(ge=1, le=10_000)
    retire_frames: int = Field(ge=2, le=10_000)
    concurrent_is_critical: bool = True
    two_minor_are_warning: bool = False
    classes: list[Label] = []
    rules: dict[str, dict[str, Annotated[float, Field(le=1e9, allow_inf_nan=False)] | int]] = Field(min_length=1)


@dataclass(frozen=True)
class RuleSet:
    """The rules a detector runs, in order, and the bounds that make its memory finite.

    Attributes:
        rules: one NamedTuple of thresholds per rule; the order decides which one is named when several fire.
        rearm_frames: R, frames without firing after which a condition has ended.
        retire_frames: D, frames of silence after which a vehicle is forgotten.
        concurrent_is_critical: whether two types at WARNING or above in one frame make each other CRITICAL.
        two_minor_are_warning: whether two conditions of one type that are INFO each make a WARNING.
        classes: tracks that are or just were of these classes are judged; empty: all.
    """

    name: str
    version: int
    description: str
    rules: tuple[Thresholds, ...]
    rearm_frames: int
    retire_frames: int
    concurrent_is_critical: bool
    two_minor_are_warning: bool
    classes: tuple[Label, ...]
    digest: str

    @property
    def identity(self) -> str:
        """What provenance names it by: `name@sha256:…`."""
        return f"{self.name}@sha256:{self.digest}"

    @cached_property
    def kinds(self) -> tuple[Rule, ...]:
        """What each of `rules` is, in the same order."""
        return tuple(RULES[type(thresholds)] for thresholds in self.rules)

    @cached_property
    def longest_window_frames(self) -> int:
        """W: how far back any rule looks."""
        reaches = [kind.reach(t, self.retire_frames) for kind, t in zip(self.kinds, self.rules, strict=True)]
        return max([1, *reaches, *([self.retire_frames + CLASS_FRAMES] if self.classes else [])])

    @property
    def settle_frames(self) -> int:
        """Frames after which what is emitted depends on nothing older: max(W, D) + R."""
        return max(self.longest_window_frames, self.retire_frames) + self.rearm_frames

    @property
    def history_frames(self) -> int:
        """H, with room for records that came late at the start of a re-read."""
        return self.settle_frames + self.retire_frames + 1 + REORDER_FRAMES

    @property
    def ring_frames(self) -> int:
        """Frames of one vehicle that a rule or its evidence can look at."""
        return max(self.longest_window_frames, EVIDENCE_FRAMES)

    def require_history(self, kept_frames: int) -> None:
        """Refuse a rule set that looks further back than offsets are kept for.

        Raises:
            RuleSetError: with the smallest setting that would do.
        """
        if self.history_frames > kept_frames:
            raise RuleSetError(
                f"rule set {self.name!r} needs {self.history_frames} frames of history, {kept_frames} are kept: "
                f"set FLEETOPS_ANOMALY__HISTORY_FRAMES to at least {self.history_frames}"
            )


def threshold_values(thresholds: Thresholds) -> dict[str, float]:
    """The thresholds proper, under their names on the wire; spans of frames are not among them."""
    frames = spans(thresholds)
    return {name: float(value) for name, value in _fields(thresholds).items() if name not in frames}


def shipped() -> tuple[str, ...]:
    """Names of the rule sets that come with FleetOps."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _folder().iterdir() if path.name.endswith(".toml")))


def load_rule_set(name_or_path: str) -> RuleSet:
    """Load a shipped rule set by name, or one of your own by the path of its TOML file.

    Raises:
        RuleSetError: it does not exist, is not TOML, or breaks a rule of rule sets.
    """
    if name_or_path in shipped():
        return parse_rule_set(_folder().joinpath(f"{name_or_path}.toml").read_text(encoding="utf-8"), name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        raise RuleSetError(
            f"no rule set {name_or_path!r}: give one of {', '.join(shipped())}, or the path of a TOML file"
        )
    return parse_rule_set(path.read_text(encoding="utf-8"), str(path))


def parse_rule_set(text: str, origin: str) -> RuleSet:
    """Build a rule set from TOML `text`; `origin` names it in errors.

    Raises:
        RuleSetError: naming the line or field, and what was expected.
    """
    try:
        document = _Document.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RuleSetError(f"{origin} is not TOML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RuleSetError(f"{origin} is not a rule set: {problems}") from error
    if document.retire_frames <= document.rearm_frames:
        raise RuleSetError(
            f"{origin}: retire_frames ({document.retire_frames}) must be greater than "
            f"rearm_frames ({document.rearm_frames}), or a restart could change what is found"
        )
    rules = tuple(_thresholds(name, values, origin) for name, values in document.rules.items())
    for values in rules:
        if reason := RULES[type(values)].impossible(values, document.retire_frames):
            raise RuleSetError(f"{origin}: {RULES[type(values)].name} can never fire: {reason}")
    # What runs, not how it was written: defaults filled in, numbers typed.
    bounds = [document.name, document.version, document.rearm_frames, document.retire_frames]
    what_runs = [[RULES[type(values)].name, _fields(values)] for values in rules]
    # Guards that are off do not count: `baseline` is what it was before there were any.
    guards = {"two_minor_are_warning": document.two_minor_are_warning, "classes": document.classes}
    used = [{name: value for name, value in guards.items() if value}]
    canonical = json.dumps(
        [*bounds, document.concurrent_is_critical, what_runs, *filter(None, used)], separators=(",", ":")
    )
    return RuleSet(
        name=document.name,
        version=document.version,
        description=document.description,
        rules=rules,
        rearm_frames=document.rearm_frames,
        retire_frames=document.retire_frames,
        concurrent_is_critical=document.concurrent_is_critical,
        two_minor_are_warning=document.two_minor_are_warning,
        classes=tuple(document.classes),
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _thresholds(name: str, values: dict[str, float | int], origin: str) -> Thresholds:
    by_name = {rule.name: kind for kind, rule in RULES.items()}
    if name not in by_name:
        raise RuleSetError(f"{origin}: no rule {name!r}; there are {', '.join(sorted(by_name))}")
    kind = by_name[name]
    defaults, frames = _fields(kind()), spans(kind())
    if unknown := sorted(values.keys() - defaults.keys()):
        raise RuleSetError(f"{origin}: {name} has no {', '.join(unknown)}; it has {', '.join(defaults)}")
    typed: dict[str, float | int] = {}
    for field, default in defaults.items():
        value = values.get(field, default)
        if isinstance(default, int) and not float(value).is_integer():
            raise RuleSetError(f"{origin}: {name}.{field} is a whole number of frames or agents, not {value}")
        if isinstance(default, int) and value >= 2**31:
            raise RuleSetError(f"{origin}: {name}.{field} is {value}, more than any count of frames or agents")
        if value < (1 if field in frames else 0):
            raise RuleSetError(f"{origin}: {name}.{field} is {value}, which is too small to mean anything")
        # int and float compile to different code; the type of the default decides.
        typed[field] = type(default)(value)
    return kind(**typed)


def _fields(thresholds: Thresholds) -> dict[str, float | int]:
    fields: dict[str, float | int] = thresholds._asdict()  # type: ignore[attr-defined]  # every one is a NamedTuple
    return fields


def _folder() -> resources.abc.Traversable:
    return resources.files("fleetops.anomaly").joinpath("rule_sets")
