"""The schedule: no drift, no bunching, rates and pauses; the clock is made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetops.replay.pacing import Pacer


def play(pacer: Pacer, now: float, delays: list[float]) -> list[float]:
    """Send a frame per delay, each so long after it was due; when each went out."""
    sent = []
    for delay in delays:
        now = max(now, pacer.due(now)) + delay
        pacer.sent(now)
        sent.append(now)
    return sent


def test_small_delays_do_not_add_up() -> None:
    """Every frame 3 ms late for an hour: the last one is still 3 ms late and not 108 s."""
    sent = play(Pacer(10.0, now=100.0), 100.0, [0.003] * 36_000)
    assert sent[-1] == pytest.approx(100.0 + 3_599.9 + 0.003, abs=1e-6)


def test_a_long_delay_does_not_make_a_bunch() -> None:
    """After a stall of 2 s the next frame comes a period later, not 20 frames at once."""
    sent = play(Pacer(10.0, now=0.0), 0.0, [0.0, 2.0, 0.0, 0.0])
    assert sent == pytest.approx([0.0, 2.1, 2.2, 2.3])


@given(
    delays=st.lists(st.floats(0, 5, allow_subnormal=False), min_size=2, max_size=50),
    rate=st.sampled_from([1.0, 10.0, 20.0]),
)
def test_frames_never_run_ahead_of_the_rate(delays: list[float], rate: float) -> None:
    """Whatever the delays, no frame goes out earlier than its place since the last new start allows."""
    period = 1 / rate
    sent = play(Pacer(rate, now=0.0), 0.0, delays)
    for earlier, later, delay in zip(sent, sent[1:], delays, strict=False):
        assert later - earlier >= period - min(delay, period) - 1e-9


def test_lateness_is_told() -> None:
    """Seconds after the deadline; a frame on time has none, and one at rate 0 cannot be late."""
    pacer = Pacer(10.0, now=0.0)
    assert pacer.sent(0.0) == 0.0
    assert pacer.sent(0.1015) == pytest.approx(0.0015)
    assert Pacer(0.0, now=0.0).sent(50.0) == 0.0


def test_rate_zero_is_always_due() -> None:
    """As fast as it is taken."""
    pacer = Pacer(0.0, now=0.0)
    for now in (0.0, 0.0, 7.0):
        assert pacer.due(now) == now
        pacer.sent(now)


def test_a_new_rate_counts_from_the_last_frame() -> None:
    """Slower: one long period after the last frame. Faster: one short one, or at once where that is past."""
    for rate, due in ((1.0, 2.1), (20.0, 1.15)):
        pacer = Pacer(10.0, now=1.0)
        play(pacer, 1.0, [0.0, 0.0])
        pacer.change_rate(rate, now=1.12)
        assert pacer.due(1.12) == pytest.approx(due)
    pacer = Pacer(1.0, now=0.0)
    play(pacer, 0.0, [0.0])
    pacer.change_rate(10.0, now=0.9)
    assert pacer.due(0.9) == pytest.approx(0.9)


def test_from_and_to_rate_zero_the_next_frame_is_due_at_once() -> None:
    """There is no period to wait for."""
    pacer = Pacer(10.0, now=0.0)
    pacer.sent(0.0)
    pacer.change_rate(0.0, now=0.03)
    assert pacer.due(0.04) == 0.04
    pacer.sent(0.04)
    pacer.change_rate(10.0, now=0.05)
    assert play(pacer, 0.05, [0.0, 0.0]) == pytest.approx([0.05, 0.15])


def test_after_a_pause_the_schedule_starts_anew() -> None:
    """A minute's pause is no lateness."""
    pacer = Pacer(10.0, now=0.0)
    play(pacer, 0.0, [0.0, 0.0])
    pacer.restart(60.0)
    assert play(pacer, 60.0, [0.0, 0.0]) == pytest.approx([60.0, 60.1])
