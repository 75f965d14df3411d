"""Keeps figures from falling: a scorecard against one that was accepted before. Pure."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

from .card import FaultFigures, Scorecard
from .transport import LOSSLESS

SHARE_SLACK: Final = 0.02
"""Recall or precision of a fault may fall by so much."""

FALSE_ALERT_SLACK: Final = 0.10
"""False alerts per vehicle-hour may rise by this part of what they were."""


class AcceptedFault(BaseModel):
    """One fault's figures, as `fleetops score --json` wrote them."""

    model_config = ConfigDict(frozen=True)

    injected: int
    recall: float | None
    precision: float | None


class Accepted(BaseModel):
    """What `fleetops score --json` wrote, as far as it is held against."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    seeds: tuple[int, ...]
    faults: dict[str, AcceptedFault]
    false_alerts_per_vehicle_hour: float | None


def regressions(accepted: Accepted, card: Scorecard) -> list[str]:
    """What is worse than accepted, a sentence each; empty where nothing is."""
    worse = []
    for name, before in accepted.faults.items():
        now = card.faults.get(name)
        if now is None:
            worse.append(f"{name}: no longer injected; it was, {before.injected} times")
        else:
            worse += _fallen(name, before, now)
    limit = accepted.false_alerts_per_vehicle_hour
    found = card.false_alerts_per_vehicle_hour
    if limit is not None and found is None:
        worse.append("false alerts: no longer measured")
    elif limit is not None and found is not None and found > limit * (1 + FALSE_ALERT_SLACK) + 1e-9:
        worse.append(f"false alerts: {found:.3f} per vehicle-hour, {limit:.3f} were accepted")
    worse += [f"{name}: {each.raised} raised, none may be" for name, each in card.transport.items() if each.raised]
    worse += [
        f"{name}: other findings in {each.changed} of {each.runs} runs, nothing may differ"
        for name, each in card.transport.items()
        if name in LOSSLESS and each.changed
    ]
    return worse


def _fallen(name: str, before: AcceptedFault, now: FaultFigures) -> list[str]:
    worse = []
    if now.injected < before.injected:
        worse.append(f"{name}: injected {now.injected} times, it was {before.injected}")
    for what, was, is_ in (
        ("recall", before.recall, now.recall),
        ("precision", before.precision, now.precision),
    ):
        if was is not None and (is_ is None or is_ < was - SHARE_SLACK - 1e-9):
            worse.append(f"{name}: {what} {'none' if is_ is None else f'{is_:.4f}'}, {was:.4f} was accepted")
    return worse
