"""A manoeuvre never begins with a frame that may have been sent before, as recorded."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fleetops.replay.book import Book
from fleetops.replay.journal import Journal, SessionRecord
from fleetops.replay.metrics import ReplayMetrics
from fleetops.replay.office import Office
from fleetops.replay.request import ReplayRequest
from fleetops.replay.reservation import Reservation
from fleetops.replay.timeline import SceneSpan, Step

SPAN = SceneSpan("scene_1", 1, 5, 10_000)


class KeptInMind(Journal):
    """Notes the last record instead of writing it."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.last: SessionRecord | None = None

    def write(self, record: SessionRecord) -> None:
        """Note it."""
        self.last = record


class _Later(Future[Any]):
    """Done when somebody waits for it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work

    def result(self, timeout: float | None = None) -> Any:
        """Do it now."""
        if not self.done():
            self.set_result(self._work())
        return super().result(timeout)


class Procrastinator(Executor):
    """The slowest disk there can be: it writes what somebody waits for."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Put off."""
        return _Later(lambda: fn(*args, **kwargs))


def fresh() -> SessionRecord:
    """A session that has just been asked for."""
    return SessionRecord(
        session_id="s",
        request=ReplayRequest(scene_ids=["scene_1"]),
        dataset="sha256:00",
        rate_hz=10.0,
        started_at=datetime(2026, 11, 23, tzinfo=UTC),
    )


@given(
    rate_hz=st.sampled_from([0.0, 0.5, 10.0, 100.0]),
    frames=st.integers(0, 700),
)
def test_after_a_crash_nothing_begins_that_could_have_been_delivered(rate_hz: float, frames: int) -> None:
    """Whatever was sent until the crash, the journal had said so before; and soon a command can be obeyed again."""
    journal, scribe = KeptInMind(), Procrastinator()
    book = Book(Office(journal, scribe, ReplayMetrics(), 600.0), fresh(), lambda: 0.0)
    before = Reservation(book, restored=False)
    for frame in range(5, 5 + frames):
        step = Step(SPAN, frame)
        before.cover((step,), rate_hz)
        assert before.may_begin(step, rate_hz), "an undisturbed session waits for nothing"
        before.sent((step,), rate_hz)
        assert not before.may_begin(step, rate_hz)
    restored = Book(Office(journal, scribe, ReplayMetrics(), 600.0), journal.last or fresh(), lambda: 0.0)
    after = Reservation(restored, restored=True)
    sent = 5 + frames - 1
    assert not any(after.may_begin(Step(SPAN, frame), rate_hz) for frame in range(5, sent + 1))
    wait = 2_000 if rate_hz == 0 else max(30, 2 * rate_hz)
    assert after.may_begin(Step(SPAN, max(sent, 5) + int(wait) + 1), rate_hz)


@given(rates=st.lists(st.sampled_from([0.0, 0.5, 10.0, 100.0]), min_size=1, max_size=4), data=st.data())
def test_nor_when_the_rate_changes_or_one_crash_follows_another(rates: list[float], data: st.DataObject) -> None:
    """Each process goes on far behind what the one before it sent: nothing of that was acknowledged. The last knows."""
    journal, scribe = KeptInMind(), Procrastinator()
    sent = first = 5
    for life in range(2):
        book = Book(Office(journal, scribe, ReplayMetrics(), 600.0), journal.last or fresh(), lambda: 0.0)
        reservation = Reservation(book, restored=life > 0)
        frame = first
        for rate_hz in rates:
            for _ in range(data.draw(st.integers(20, 80))):
                step = Step(SPAN, frame)
                reservation.cover((step,), rate_hz)
                reservation.sent((step,), rate_hz)
                frame += 1
        sent = max(sent, frame - 1)
        first = 5 if journal.last is None else data.draw(st.integers(5, 20))
    last = Book(Office(journal, scribe, ReplayMetrics(), 600.0), journal.last or fresh(), lambda: 0.0)
    after = Reservation(last, restored=True)
    assert not after.may_begin(Step(SPAN, sent), rates[0])


def test_an_orderly_end_leaves_nothing_to_wait_for() -> None:
    """What was sent is known to the frame, so the next process obeys at once."""
    journal = KeptInMind()
    with ThreadPoolExecutor(1) as scribe:
        book = Book(Office(journal, scribe, ReplayMetrics(), 600.0), fresh(), lambda: 0.0)
        reservation = Reservation(book, restored=False)
        for frame in range(5, 50):
            reservation.cover((Step(SPAN, frame),), 10.0)
            reservation.sent((Step(SPAN, frame),), 10.0)
        reservation.settle()
        book.saved()
        after = Reservation(
            Book(Office(journal, scribe, ReplayMetrics(), 600.0), book.record, lambda: 0.0), restored=True
        )
    assert not after.may_begin(Step(SPAN, 49), 10.0)
    assert after.may_begin(Step(SPAN, 50), 10.0)
