"""How often a dead child is started again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleetops.embedded.restarts import RestartPolicy

KILLED = -9


def test_each_wait_within_the_window_is_longer_and_the_limit_ends_it() -> None:
    """Five deaths in a minute are waited out ever longer; the sixth is one too many."""
    policy = RestartPolicy(limit=5, window_s=60.0, first_wait_s=0.5, longest_wait_s=8.0)
    assert [policy.next_wait_s(KILLED, now_s) for now_s in range(6)] == [0.5, 1.0, 2.0, 4.0, 8.0, None]


def test_old_deaths_are_forgiven() -> None:
    """A child that has run for the window's length starts with a clean slate."""
    policy = RestartPolicy(limit=1, window_s=60.0)
    assert policy.next_wait_s(KILLED, 0.0) == 0.5
    assert policy.next_wait_s(KILLED, 59.0) is None
    assert policy.next_wait_s(KILLED, 60.0) == 0.5


def test_a_wrong_configuration_is_not_tried_again() -> None:
    """Exit codes of configuration and dataset errors mean the same failure at every start."""
    assert RestartPolicy().next_wait_s(2, 0.0) is None
    assert RestartPolicy().next_wait_s(3, 0.0) is None


@given(deaths=st.lists(st.floats(0, 300), max_size=60).map(sorted))
def test_never_more_restarts_than_the_limit_in_any_window(deaths: list[float]) -> None:
    """Whenever it dies, no window of a minute holds more than five restarts."""
    policy = RestartPolicy(limit=5, window_s=60.0)
    restarts = [now_s for now_s in deaths if policy.next_wait_s(KILLED, now_s) is not None]
    assert all(sum(start <= other < start + 60.0 for other in restarts) <= 5 for start in restarts)
