"""What anomalies do to the alert of their condition."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import given
from tests.integration.operator.stories import NOW, anomaly, cleared

from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import AnomalyStatus, Severity
from fleetops.operator.conditions import Course, begin, go_on

DELAY = timedelta(seconds=30)

ACTIVES = st.builds(
    lambda frame, severity: anomaly(frame, severity=severity), st.integers(1, 60), st.sampled_from(Severity)
)
NEWS = st.one_of(ACTIVES, st.builds(cleared, st.integers(1, 60)))


def course(first: Anomaly, *news: Anomaly) -> Course:
    """How the condition stands after all of this."""
    standing = begin(first)
    for one in news:
        standing = go_on(standing, one, NOW, DELAY)
    return standing


def test_an_escalation_raises_the_alert_and_brings_its_evidence() -> None:
    """The highest severity stays, with the newest evidence of that severity."""
    warning, critical, later = anomaly(10), anomaly(12, severity=Severity.CRITICAL), anomaly(20)
    after = course(warning, critical, later)
    assert (after.severity, after.occurrences, after.version) == (Severity.CRITICAL, 3, 3)
    assert after.evidence_anomaly_id == critical.anomaly_id
    assert after.last_seen_at == later.event_time


def test_the_end_of_a_condition_sets_the_clock_and_its_return_stops_it() -> None:
    """CLEARED sets when the alert resolves by itself; a new ACTIVE takes that back."""
    ended = course(anomaly(10), cleared(30))
    assert (ended.condition_active, ended.resolve_at, ended.occurrences) == (False, NOW + DELAY, 1)
    back = go_on(ended, anomaly(30), NOW, DELAY)
    assert (back.condition_active, back.resolve_at, back.occurrences) == (True, None, 2)


def test_a_second_end_does_not_push_the_clock() -> None:
    """Only the first CLEARED counts; the same object says that nothing changed."""
    ended = course(anomaly(10), cleared(30))
    assert go_on(ended, cleared(31), NOW + DELAY, DELAY) is ended


def test_old_news_counts_but_says_nothing_about_now() -> None:
    """An ACTIVE of an earlier frame that comes after the CLEARED is an occurrence and wakes nothing."""
    after = course(anomaly(10), cleared(30), anomaly(20))
    assert (after.occurrences, after.condition_active, after.resolve_at) == (2, False, NOW + DELAY)
    assert course(anomaly(10), anomaly(30), cleared(20)).condition_active


@given(first=ACTIVES, news=st.lists(NEWS, max_size=20))
def test_what_holds_after_any_news(first: Anomaly, news: list[Anomaly]) -> None:
    """Occurrences count the ACTIVE ones, severity is their highest, and a clock runs only when it ended."""
    after = course(first, *news)
    active = [first, *(one for one in news if one.status is AnomalyStatus.ACTIVE)]
    assert after.occurrences == len(active)
    assert after.severity == max((one.severity for one in active), key=list(Severity).index)
    assert after.last_seen_at == max(one.event_time for one in active)
    assert (after.resolve_at is None) == after.condition_active
    assert after.evidence_anomaly_id in {one.anomaly_id for one in active if one.severity == after.severity}


@given(first=ACTIVES, news=st.lists(NEWS, max_size=20))
def test_each_change_is_one_version(first: Anomaly, news: list[Anomaly]) -> None:
    """A step that changes anything raises the version by one; one that does not returns the same object."""
    standing = begin(first)
    for one in news:
        after = go_on(standing, one, NOW, DELAY)
        assert after is standing or replace(after, version=standing.version) != standing
        assert after.version == standing.version + (after is not standing)
        standing = after
