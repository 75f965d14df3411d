"""The rate limit: a sliding window for each caller."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from fleetops.auth.rate_limit import RateLimit


@given(gaps=st.lists(st.floats(0, 30), max_size=60))
def test_no_window_ever_holds_more_than_was_allowed(gaps: list[float]) -> None:
    """Whatever the rhythm of attempts, any 60 s see at most 5 that got through."""
    limit, now, through = RateLimit(5, 60.0), 0.0, list[float]()
    for gap in gaps:
        now += gap
        if limit.take("a", now):
            through.append(now)
    assert all(later - earlier >= 60.0 for earlier, later in zip(through, through[5:], strict=False))


def test_one_caller_does_not_use_up_anothers_attempts() -> None:
    """The limit is each caller's own, and is free again after the window."""
    limit = RateLimit(1, 60.0)
    assert limit.take("a", 0.0)
    assert not limit.take("a", 59.0)
    assert limit.take("b", 59.0)
    assert limit.take("a", 60.0)


def test_an_attempt_that_was_no_guess_is_given_back() -> None:
    """Signing in often is no attack; and giving back more than was taken gains nothing."""
    limit = RateLimit(1, 60.0)
    for second in range(10):
        assert limit.take("a", float(second))
        limit.give_back("a")
    limit.give_back("a")
    assert limit.take("a", 10.0)
    assert not limit.take("a", 10.0)
