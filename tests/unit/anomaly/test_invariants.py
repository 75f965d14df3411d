"""What must not matter: order within two frames, repetition, batches, kills, compilation, other scenes.

One oracle for all of them: the findings of an undisturbed run.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stories import EGO, Event, Finding, FrameEnd, SceneEnd, Seen, finding_of, items, rule_set, story, tell

from fleetops.anomaly.detector import advance
from fleetops.anomaly.engine import Engine, compiled_advance
from fleetops.anomaly.rule_set import RuleSet, load_rule_set, shipped
from fleetops.anomaly.state import ACCEPTED, DUPLICATE, LATE
from fleetops.contracts.vocabulary import Label
from fleetops.settings import AnomalySettings

RULES = rule_set(
    "[rules.decel_threshold_exceeded]\nwindow_frames = 4\nvelocity_delta_threshold_ms = 3",
    "[rules.label_probability_dropped]\nwindow_frames = 3",
    "[rules.position_jumped]\nwindow_frames = 2",
    "[rules.yaw_jumped]\nwindow_frames = 2\nyaw_jump_threshold_rad = 2.5",
    "[rules.updates_missing]\ndropout_frame_threshold = 2",
    "[rules.active_agents_dropped]\nagent_count_drop_threshold = 1",
    rearm=3,
    retire=5,
)
"""Every kind of condition, with bounds so small that short stories cross them all."""

CALIBRATED = rule_set(
    "[rules.hard_braking]\nwindow_frames = 6\nslope_frames = 4\nwarm_up_frames = 3\nsustain_frames = 2\n"
    "sustained_of_frames = 3\nvelocity_delta_threshold_ms = 1\nplausible_decel_ms2 = 60\nmotion_mismatch_limit = 9",
    "[rules.position_residual]\nwarm_up_frames = 3",
    "[rules.heading_flipped]\nwarm_up_frames = 3",
    "[rules.heading_jumped]\nwarm_up_frames = 3",
    "[rules.label_changed]\nwarm_up_frames = 3",
    "[rules.label_probability_fell]\nwarm_up_frames = 3",
    "[rules.motion_implausible]\nwarm_up_frames = 2\nwindow_frames = 3",
    "[rules.vanished_nearby]\ndropout_frame_threshold = 2\nwarm_up_frames = 2\ncollapse_window_frames = 4",
    "[rules.active_agents_collapsed]\nwindow_frames = 4",
    guards='two_minor_are_warning = true\nclasses = ["CAR", "BUS"]',
    rearm=3,
    retire=6,
)
"""Those of `calibrated`, in its order, so that the compiled engine is the same one."""


def made_scene(dice: random.Random, name: str, frames: int, vehicles: int) -> list[Event]:
    """A scene of a few restless vehicles that come, vanish for a while, return, and go."""
    start = dice.choice([0, 0, 7])
    last = start + frames
    seen: list[Seen] = []
    for number in range(vehicles):
        vehicle = f"{name}-{EGO if number == 0 else number}"
        presence, calm = dice.choice([0.5, 0.8, 0.97]), dice.choice([0.3, 0.8, 0.95])
        present = dice.random() < 0.7
        for frame in range(start, last + 1):
            present = present if dice.random() < presence else not present
            if not present:
                continue
            restless = dice.random() > calm
            seen.append(
                Seen(
                    vehicle,
                    frame,
                    x=dice.randrange(9000) / 1000 if restless else 0.0,
                    y=dice.randrange(2000) / 1000 if restless else 0.0,
                    yaw=dice.randrange(-3142, 3142) / 1000 if restless else 0.0,
                    speed=float(dice.randrange(9)) if restless else 4.0,
                    acceleration=dice.choice([0.0, 4.0, 6.0]) if restless else 0.0,
                    label_probability=dice.choice([1.0, 0.5]) if restless else 1.0,
                    vx=float(dice.randrange(9)) if restless else 4.0,
                    range_m=dice.choice([10.0, 40.0]) if restless else 20.0,
                    label=dice.choice([Label.CAR, Label.BUS, Label.PEDESTRIAN]) if restless else Label.CAR,
                )
            )
    agents = {frame: dice.choice([8, 8, 8, 3]) for frame in range(start, last + 1)}
    return [replace(event, scene=name) for event in story(seen, last, start=start, agents=agents)]


@st.composite
def scenes(draw: st.DrawFn, name: str = "scene", max_frames: int = 70) -> list[Event]:
    """Such scenes, which shrink to short ones of few vehicles."""
    dice = random.Random(draw(st.integers(0, 2**32)))
    return made_scene(dice, name, draw(st.integers(5, max_frames)), draw(st.integers(1, 4)))


DICE = st.integers(0, 2**32).map(random.Random)
"""A repeatable source of chance that is a single number to hypothesis."""


def engine(rules: RuleSet = RULES) -> Engine[str]:
    """An engine that keeps as much history as the rule set says it needs, and not a frame more."""
    return Engine(rules, rules.history_frames, compiled_advance if rules is CALIBRATED else advance)


def undisturbed(events: list[Event], rules: RuleSet = RULES) -> set[Finding]:
    """What is found when nothing goes wrong; each finding once."""
    found = tell(engine(rules), events)
    assert len(found) == len(set(found)), "an undisturbed run told something twice"
    return set(found)


def shuffled(events: list[Event], dice: random.Random) -> list[Event]:
    """The same events, each record up to two frames early or late; markers stay in order."""

    def place(index: int, event: Event) -> tuple[float, int]:
        return (event.frame + (dice.choice([-2, -1, 0, 1, 2]) if isinstance(event, Seen) else 0.0), index)

    # Among things of one frame, records come before the marker, as they were; a record that is
    # moved by two frames lies before the marker of the frame it is moved to.
    order = sorted(range(len(events)), key=lambda i: place(i, events[i]))
    moved = [events[i] for i in order]
    return [*[e for e in moved if not isinstance(e, SceneEnd)], events[-1]]


def killed(events: list[Event], dice: random.Random, largest_batch: int, rules: RuleSet = RULES) -> set[Finding]:
    """What is found by workers that die at random and read on from the last commit; all they told, once."""
    found: set[Finding] = set()
    committed, position, subject = 0, 0, engine(rules)
    while position < len(events):
        size = dice.randint(1, largest_batch)
        found |= set(tell(subject, events[position : position + size], position))
        position = min(len(events), position + size)
        if dice.random() < 0.6:
            needed = subject.needed_offset()
            committed = position if needed is None else needed
        if dice.random() < 0.2 and position < len(events):
            position, subject = committed, engine(rules)
    return found


BOTH = pytest.mark.parametrize("rules", [RULES, CALIBRATED], ids=["baseline", "calibrated"])


@BOTH
@given(events=scenes())
@settings(max_examples=150)
def test_the_compiled_engine_is_the_plain_one(rules: RuleSet, events: list[Event]) -> None:
    """Same findings in the same order, same verdicts, and the same firings of single rules."""
    results = []
    for step in (advance, compiled_advance):
        subject = Engine[str](rules, rules.history_frames, step, trace=True)
        found, verdicts = subject.feed(items(subject, events, 0))
        results.append(
            (
                [each.detection.item() for each in found],
                [each.window.tolist() for each in found],
                verdicts.tolist(),
                subject.fired,
            )
        )
    assert results[0] == results[1]


def test_the_stories_cross_every_bound() -> None:
    """Else the properties would say nothing of some rules."""
    fired: set[int] = set()
    for seed in range(100):
        events = made_scene(random.Random(seed), "scene", 70, 4)
        subject = Engine[str](CALIBRATED, CALIBRATED.history_frames, compiled_advance, trace=True)
        tell(subject, events)
        fired |= {each.rule for each in subject.fired}
    assert fired == set(range(len(CALIBRATED.rules)))


@given(events=scenes(), batch=st.integers(1, 40))
def test_batch_boundaries_do_not_matter(events: list[Event], batch: int) -> None:
    """One event at a time, or all at once."""
    assert tell(engine(), events, batch=batch) == tell(engine(), events)


@BOTH
@given(events=scenes(), dice=DICE)
@settings(max_examples=200)
def test_records_up_to_two_frames_out_of_order_change_nothing(
    rules: RuleSet, events: list[Event], dice: random.Random
) -> None:
    """And none of them is refused."""
    expected = undisturbed(events, rules)
    subject = engine(rules)
    late = shuffled(events, dice)
    found = tell(subject, late)
    assert set(found) == expected
    assert len(found) == len(expected)
    again = engine(rules)
    assert not again.feed(items(again, late, 0))[1].any()


@given(events=scenes(), dice=DICE)
def test_repeated_records_and_markers_change_nothing(events: list[Event], dice: random.Random) -> None:
    """A repetition, however much later, is called a duplicate and never late."""
    expected = undisturbed(events)
    repeated: list[Event] = []
    for index, event in enumerate(events):
        repeated.append(event)
        if index < len(events) - 1 and dice.random() < 0.3:
            repeated.append(events[dice.randrange(index + 1)])
    subject = engine()
    found, verdicts = subject.feed(items(subject, repeated, 0))
    assert {finding_of(each) for each in found} == expected
    assert set(verdicts.tolist()) <= {ACCEPTED, DUPLICATE}


@BOTH
@given(first=scenes(name="a"), second=scenes(name="b"), dice=DICE)
@settings(max_examples=400)
def test_a_worker_killed_anywhere_finds_the_same(
    rules: RuleSet, first: list[Event], second: list[Event], dice: random.Random
) -> None:
    """Two scenes interleaved on one partition; at every kill, memory is lost and reading goes on from the last commit.

    What was told between the commit and the kill is told again, and nothing else is. Half
    of the time each scene is out of order, too: then an offset that one scene holds may cut
    off what came early of the other.
    """
    events: list[Event] = []
    if dice.random() < 0.5:
        first, second = shuffled(first, dice), shuffled(second, dice)
    left, right = list(first), list(second)
    while left or right:
        source = left if left and (not right or dice.random() < 0.5) else right
        events.append(source.pop(0))
    expected = undisturbed(events, rules)
    found = killed(events, dice, 25, rules)
    assert found == expected


@BOTH
@given(events=scenes(max_frames=60), dice=DICE)
@settings(max_examples=150)
def test_a_worker_killed_in_a_disordered_stream_finds_the_same(
    rules: RuleSet, events: list[Event], dice: random.Random
) -> None:
    """Out of order, repeated, and killed, all at once."""
    expected = undisturbed(events, rules)
    events = shuffled(events, dice)
    found = killed(events, dice, 15, rules)
    assert found == expected


def test_an_early_record_cut_off_by_another_scenes_offset_changes_nothing() -> None:
    """Frame 0 is whole, frame 1 is not: its record lies before the offset, which the other scene holds."""
    rules = rule_set("[rules.updates_missing]\ndropout_frame_threshold = 1", rearm=3, retire=5)
    events: list[Event] = [
        Seen("car", 1, scene="a"),
        Seen("bus", 0, scene="b"),
        Seen("car", 0, scene="a"),
        FrameEnd(0, 1, scene="a"),
        FrameEnd(1, 1, scene="a"),
        *(FrameEnd(frame, 0, scene="a") for frame in range(2, 40)),
    ]
    before = engine(rules)
    expected = set(tell(before, events))
    assert {frame for _, frame, *_ in expected} == {3, 6}
    assert before.needed_offset() == 1
    assert set(tell(engine(rules), events[1:], 1)) <= expected


def test_too_little_history_loses_something() -> None:
    """The bound is no ornament: far below it, some story comes out differently after a kill."""
    found_difference = False
    for seed in range(200):
        dice = random.Random(seed)
        seen = [Seen("car", frame, x=3.0 * dice.randrange(2)) for frame in range(60) if dice.random() < 0.7]
        events = story(seen, 59)
        expected = undisturbed(events)
        half = next(i for i, event in enumerate(events) if isinstance(event, FrameEnd) and event.frame == 30) + 1
        before = engine()
        found = set(tell(before, events[:half]))
        short = next(i for i, e in enumerate(events) if e.frame == 30 - RULES.settle_frames + 3)
        found |= set(tell(engine(), events[short:], short))
        found_difference |= found != expected
    assert found_difference


def test_a_record_three_frames_late_is_refused_and_one_unheard_of_is_told_apart() -> None:
    """The late one is LATE, its repetition too; a record seen before is a DUPLICATE."""
    seen = [Seen("car", frame) for frame in range(8) if frame != 2] + [Seen("other", f) for f in range(8)]
    events = [e for e in story([*seen, Seen("car", 2)], 7) if not (isinstance(e, Seen) and e == Seen("car", 2))]
    at = next(i for i, e in enumerate(events) if isinstance(e, FrameEnd) and e.frame == 5) + 1
    events[at:at] = [Seen("car", 2), Seen("car", 3), Seen("car", 2)]
    subject = engine()
    _, verdicts = subject.feed(items(subject, events, 0))
    assert verdicts[at : at + 3].tolist() == [LATE, DUPLICATE, LATE]


def test_memory_is_given_back() -> None:
    """Vehicles that are gone and scenes that ended leave nothing behind, and rows are used again."""
    subject = engine()
    for number in range(50):
        seen = [Seen(f"car{number}-{n}", frame) for n in range(100) for frame in range(3)]
        tell(subject, [replace(event, scene=f"scene{number}") for event in story(seen, 2)])
        assert subject.vehicle_count == 0
        assert subject.open_scenes() == ()
    assert subject.needed_offset() is None
    passing = [Seen(f"car{n}", n // 10) for n in range(3000)]
    tell(subject, story(passing, 299)[:-1])
    assert subject.vehicle_count <= 10 * (RULES.retire_frames + 1)


@pytest.mark.parametrize("name", shipped())
def test_shipped_rule_sets_fit_into_the_history_that_is_kept(name: str) -> None:
    """The default of `history_frames` is enough for what ships."""
    load_rule_set(name).require_history(AnomalySettings().history_frames)
