"""A broker that forgot its records is noticed; one that only hesitates is not accused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleetops.bus.position import ForgottenLog, Position


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


def test_standing_beyond_the_end_for_long_means_the_records_are_gone() -> None:
    """Five seconds beyond the end: the partition is named; a moment before, it is not."""
    clock = Clock()
    log = ForgottenLog(clock)
    beyond = {0: Position(10, 10), 3: Position(500, 0)}
    assert log.check(beyond) is None
    clock.now = 4.9
    assert log.check(beyond) is None
    clock.now = 5.0
    assert log.check(beyond) == 3


def test_a_leader_that_catches_up_is_forgiven() -> None:
    """Once the end is told right again, the time begins anew."""
    clock = Clock()
    log = ForgottenLog(clock)
    log.check({0: Position(10, 9)})
    clock.now = 4.0
    log.check({0: Position(10, 10)})
    clock.now = 6.0
    assert log.check({0: Position(10, 9)}) is None
    clock.now = 11.0
    assert log.check({0: Position(10, 9)}) == 0


@given(ends=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=20))
def test_within_the_end_nothing_is_ever_forgotten(ends: list[tuple[int, int]]) -> None:
    """However long it takes, a consumer that lags is in order, and its lag is what it has not read."""
    clock = Clock()
    log = ForgottenLog(clock)
    for step, (read, more) in enumerate(ends):
        clock.now = step * 100.0
        position = Position(read, read + more)
        assert position.lag == more
        assert log.check({0: position}) is None
