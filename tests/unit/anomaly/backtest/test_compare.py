"""What another rule set changes, told as stories of messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleetops.anomaly.backtest.compare import Change, ChangeKind, changes
from fleetops.anomaly.backtest.told import Told, by_condition, episodes
from fleetops.anomaly.digest import Finding
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

BRAKING = AnomalyType.SUDDEN_DECELERATION
INFO, WARNING, CRITICAL = Severity


def told(frame: int, severity: Severity | None, vehicle: str = "car") -> Told:
    """A condition that is raised, or with no severity, cleared."""
    status = AnomalyStatus.CLEARED if severity is None else AnomalyStatus.ACTIVE
    finding = Finding("scene_1", vehicle, frame, BRAKING, status, severity or WARNING)
    return Told(finding, "rule", frame * 100, None)


def compared(now: list[Told], before: list[Told]) -> list[Change]:
    """The changes of the one scene there is."""
    return changes("scene_1", now, before)


def test_an_escalation_belongs_to_its_episode() -> None:
    """Two messages, one episode, as bad as its worst."""
    (episode,) = episodes([told(5, WARNING), told(7, CRITICAL), told(20, None)])
    assert (episode.first_frame, episode.last_frame, episode.severity) == (5, 20, CRITICAL)


def test_a_second_rise_without_an_end_is_a_second_episode() -> None:
    """The engine tells it so when a condition rests exactly as long as it takes to end."""
    found = episodes([told(5, WARNING), told(16, WARNING), told(30, None)])
    assert [(each.first_frame, each.last_frame) for each in found] == [(5, 16), (16, 30)]


def test_the_same_is_no_change() -> None:
    """Where nothing differs nothing is told."""
    story = [told(5, WARNING), told(9, None), told(5, CRITICAL, "bus")]
    assert compared(story, story[::-1]) == []


def test_gained_and_lost() -> None:
    """Each with the frame to look at, and a link to it."""
    gained, lost = compared([told(5, WARNING), told(9, None)], [told(40, INFO), told(50, None)])
    assert (gained.kind, gained.frame_index, gained.severity, gained.severity_before) == (
        ChangeKind.GAINED, 5, WARNING, None,
    )  # fmt: skip
    assert (lost.kind, lost.frame_index, lost.frame_before, lost.severity) == (ChangeKind.LOST, 40, 40, None)
    assert lost.link == "/?vehicle=car&scene=scene_1&frame=40"


def test_moved_in_time() -> None:
    """The same condition, told earlier."""
    (moved,) = compared([told(5, WARNING), told(9, None)], [told(8, WARNING), told(12, None)])
    assert (moved.kind, moved.frame_index, moved.frame_before) == (ChangeKind.MOVED, 5, 8)


def test_another_severity() -> None:
    """Worse or less bad counts more than a frame's difference."""
    (change,) = compared([told(5, CRITICAL), told(9, None)], [told(6, WARNING), told(12, None)])
    assert (change.kind, change.severity, change.severity_before) == (ChangeKind.SEVERITY, CRITICAL, WARNING)


def test_one_long_episode_is_not_three_short_ones() -> None:
    """It has at most one counterpart; the others are lost."""
    short = [told(5, WARNING), told(9, None), told(20, WARNING), told(25, None), told(30, WARNING), told(35, None)]
    kinds = [change.kind for change in compared([told(4, WARNING), told(40, None)], short)]
    assert kinds == [ChangeKind.MOVED, ChangeKind.LOST, ChangeKind.LOST]


MESSAGES = st.lists(
    st.builds(told, st.integers(0, 60), st.sampled_from([None, *Severity]), st.sampled_from(["car", "bus"])),
    max_size=12,
    unique_by=lambda each: (each.finding.frame_index, each.finding.vehicle_id),
)


@given(MESSAGES, MESSAGES)
def test_every_episode_is_accounted_for(now: list[Told], before: list[Told]) -> None:
    """What is there now, less what was gained, is what was there before, less what was lost."""
    found = [change.kind for change in compared(now, before)]
    count_now, count_before = (
        sum(len(episodes(messages)) for messages in by_condition(story).values()) for story in (now, before)
    )
    assert count_now - found.count(ChangeKind.GAINED) == count_before - found.count(ChangeKind.LOST)


@given(MESSAGES, MESSAGES)
def test_the_other_way_round_gains_are_losses(now: list[Told], before: list[Told]) -> None:
    """A against B and B against A tell one story."""
    there = sorted(change.kind for change in compared(now, before))
    mirrored = {ChangeKind.GAINED: ChangeKind.LOST, ChangeKind.LOST: ChangeKind.GAINED}
    back = sorted(mirrored.get(change.kind, change.kind) for change in compared(before, now))
    assert (there.count(ChangeKind.GAINED) - there.count(ChangeKind.LOST)) == (
        back.count(ChangeKind.GAINED) - back.count(ChangeKind.LOST)
    )
