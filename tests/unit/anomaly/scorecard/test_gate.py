"""Figures may not fall: by how much, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.unit.anomaly.scorecard.cards import GOOD, card

from fleetops.anomaly.scorecard.card import FaultFigures, Scorecard
from fleetops.anomaly.scorecard.gate import Accepted, regressions
from fleetops.anomaly.scorecard.report import to_json

FINE = replace(GOOD, recall=0.97, precision=0.96)


def accepted(before: Scorecard) -> Accepted:
    """What was written of a card."""
    return Accepted.model_validate_json(json.dumps(to_json([before])))


@pytest.mark.parametrize(
    ("now", "complaints"),
    [
        (FINE, 0),
        (replace(FINE, recall=1.0, precision=1.0), 0),
        (replace(FINE, recall=0.95), 0),
        (replace(FINE, recall=0.9499), 1),
        (replace(FINE, precision=0.94), 0),
        (replace(FINE, precision=0.93, recall=0.1), 2),
        (replace(FINE, precision=None), 1),
        (replace(FINE, injected=29), 1),
    ],
)
def test_a_share_may_fall_by_two_hundredths(now: FaultFigures, complaints: int) -> None:
    """Recall and precision apart, and fewer injections are no cheap way out."""
    assert len(regressions(accepted(card(teleport=FINE)), card(teleport=now))) == complaints


@pytest.mark.parametrize(("rate", "complaints"), [(0.4, 0), (0.5, 0), (0.55, 0), (0.56, 1), (None, 1)])
def test_false_alerts_may_rise_by_a_tenth(rate: float | None, complaints: int) -> None:
    """And must be measured if they were."""
    assert len(regressions(accepted(card(rate=0.5)), card(rate=rate))) == complaints


def test_where_no_false_alert_was_accepted_none_is() -> None:
    """A tenth of nothing is nothing."""
    assert regressions(accepted(card(rate=0.0)), card(rate=0.0)) == []
    assert regressions(accepted(card(rate=0.0)), card(rate=0.01)) == [
        "false alerts: 0.010 per vehicle-hour, 0.000 were accepted"
    ]


def test_a_transport_fault_may_never_raise_anything() -> None:
    """Whatever was accepted before."""
    assert len(regressions(accepted(card(raised=1)), card(raised=1))) == 3


def test_records_that_come_twice_or_in_another_order_lose_no_finding() -> None:
    """Raising nothing new is not enough: what is found must be the same, but where a record came too late."""
    assert regressions(accepted(card()), card(changed=2)) == [
        f"{name}: other findings in 2 of 10 runs, nothing may differ" for name in ("duplicates", "reordering")
    ]


def test_a_fault_cannot_be_left_out() -> None:
    """One that was injected must still be."""
    assert regressions(accepted(card(teleport=GOOD, dropout=GOOD)), card(teleport=GOOD)) == [
        "dropout: no longer injected; it was, 30 times"
    ]
