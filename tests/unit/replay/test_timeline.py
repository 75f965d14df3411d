"""What a session sends, and what is left of it after any interruption."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetops.replay.timeline import Mode, Progress, SceneSpan, open_scenes, records_per_partition, ticks

A = SceneSpan("a", 0, 10, 13)
B = SceneSpan("b", 1, 0, 2)


def frames(spans: list[SceneSpan], mode: Mode, done: Progress | None = None) -> list[list[tuple[str, int, bool]]]:
    """The timeline as (scene, frame, last) per tick."""
    return [
        [(step.span.scene_id, step.frame_index, step.is_last) for step in tick]
        for tick in ticks(spans, mode, done or Progress())
    ]


def test_sequential_sends_one_scene_after_the_other_in_the_order_asked_for() -> None:
    """Scene a whole, then scene b."""
    assert frames([A, B], Mode.SEQUENTIAL) == [
        [("a", 10, False)],
        [("a", 11, False)],
        [("a", 12, True)],
        [("b", 0, False)],
        [("b", 1, True)],
    ]


def test_concurrent_scenes_advance_together_and_end_each_in_its_own_time() -> None:
    """Both first frames are due at once; the longer scene goes on alone."""
    assert frames([A, B], Mode.CONCURRENT) == [
        [("a", 10, False), ("b", 0, False)],
        [("a", 11, False), ("b", 1, True)],
        [("a", 12, True)],
    ]


def test_a_scene_whose_end_is_missing_sends_its_last_frame_once_more() -> None:
    """The end needs the frame's facts; ids make the repetition harmless."""
    done = Progress({"a": 12, "b": 0}, frozenset())
    assert frames([A, B], Mode.SEQUENTIAL, done) == [[("a", 12, True)], [("b", 1, True)]]
    assert frames([A, B], Mode.SEQUENTIAL, Progress({"a": 12, "b": 1}, frozenset({"a", "b"}))) == []


def test_concurrent_scenes_stay_in_step_after_a_restart() -> None:
    """The scene furthest behind says where all go on."""
    done = Progress({"a": 11, "b": 0}, frozenset())
    assert frames([A, B], Mode.CONCURRENT, done) == [[("a", 11, False), ("b", 1, True)], [("a", 12, True)]]


@pytest.mark.parametrize("mode", Mode)
@given(
    lengths=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), min_size=1, max_size=4),
    cut=st.integers(0, 30),
    unacked=st.integers(0, 4),
)
def test_nothing_is_lost_at_any_interruption(
    mode: Mode, lengths: list[tuple[int, int]], cut: int, unacked: int
) -> None:
    """Stopped after any step, with any number of the last ones not acknowledged, the rest makes it whole."""
    spans = [SceneSpan(f"s{i}", i, start, start + length) for i, (start, length) in enumerate(lengths)]
    whole = [step for tick in ticks(spans, mode, Progress()) for step in tick]
    sent = whole[:cut]
    through = sent[: max(0, len(sent) - unacked)]
    done = Progress(
        {step.span.scene_id: step.frame_index for step in through},
        frozenset(step.span.scene_id for step in through if step.is_last),
    )
    rest = [step for tick in ticks(spans, mode, done) for step in tick]
    assert set(through) | set(rest) == set(whole)
    assert {step for step in rest if step.is_last} == {step for step in whole if step.is_last} - set(through)
    for span in spans:
        of_scene = [step.frame_index for step in rest if step.span == span]
        assert of_scene == list(range(of_scene[0], span.end_frame)) if of_scene else span.scene_id in done.ended


def test_scenes_that_have_begun_and_not_ended_are_owed_an_end() -> None:
    """Neither those that never began, nor those that are over."""
    done = Progress({"a": 11, "b": 1}, frozenset({"b"}))
    assert open_scenes([A, B, SceneSpan("c", 2, 0, 5)], done) == [A]


@given(
    partitions=st.integers(1, 12),
    places=st.lists(st.integers(0, 1_000), max_size=200),
)
def test_markers_account_for_every_record(partitions: int, places: list[int]) -> None:
    """One number per partition, together as many as there are records, each where its records went."""
    where = np.array([place % partitions for place in places], np.int64)
    counts = records_per_partition(where, partitions)
    assert len(counts) == partitions
    assert sum(counts) == len(places)
    assert all(count == sum(place % partitions == p for place in places) for p, count in enumerate(counts))
