"""A frame is through when its last marker is, and never before those ahead of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleetops.replay.acknowledgements import Acknowledgements


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def test_a_frame_is_through_with_its_last_marker() -> None:
    """Not before; and the latency is that of the last one, from the start of the emission."""
    clock = Clock()
    waiting = Acknowledgements(clock)
    acknowledged = waiting.expect("a", 3, records=5, markers=2, sent_at=0.0, is_scene_end=False)
    clock.now = 0.004
    acknowledged()
    assert (waiting.take(), waiting.records, waiting.oldest_sent_at) == ([], 5, 0.0)
    clock.now = 0.006
    acknowledged()
    clock.now = 9.0
    (done,) = waiting.take()
    assert (done.scene_id, done.frame_index, done.records, done.latency_s) == ("a", 3, 5, 0.006)
    assert (waiting.take(), waiting.records, waiting.oldest_sent_at) == ([], 0, None)


@given(frames=st.integers(1, 8), partitions=st.integers(1, 4), data=st.data())
def test_frames_are_told_in_order_each_once(frames: int, partitions: int, data: st.DataObject) -> None:
    """Partitions answer in any order; what is told is always a prefix of what was sent, with nothing missing."""
    waiting = Acknowledgements(Clock())
    calls = [
        waiting.expect("a", frame, 1, partitions, sent_at=float(frame), is_scene_end=False) for frame in range(frames)
    ]
    missing = [partitions] * frames
    order = data.draw(st.permutations([frame for frame in range(frames) for _ in range(partitions)]))
    told = []
    for frame in order:
        calls[frame]()
        missing[frame] -= 1
        told += [done.frame_index for done in waiting.take()]
        through = next((i for i, left in enumerate(missing) if left), frames)
        assert told == list(range(through))
    assert waiting.records == 0
