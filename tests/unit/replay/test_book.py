"""What reaches the journal, and in which order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from tests.unit.replay.wire import request

from fleetops.replay.book import Book
from fleetops.replay.journal import Journal, SessionRecord
from fleetops.replay.metrics import ReplayMetrics
from fleetops.replay.office import Office
from fleetops.replay.state import SessionStatus


def test_a_closed_book_writes_nothing_over_the_session_that_took_its_id(tmp_path: Path) -> None:
    """Who paused or stepped a session while it ended comes back to a journal that holds the next one already."""
    asked = request("s")
    first = SessionRecord(
        session_id="s", request=asked, dataset="sha256:00", rate_hz=10.0, started_at=datetime.now(UTC)
    )
    journal = Journal(tmp_path)
    with ThreadPoolExecutor(1) as scribe:
        office = Office(journal, scribe, ReplayMetrics(), 600.0)
        book = Book(office, first, lambda: 0.0)
        book.close(lambda record: record.model_copy(update={"status": SessionStatus.COMPLETED}))
        office.save(first.model_copy(update={"rate_hz": 20.0})).result()
        assert book.saved().status is SessionStatus.COMPLETED
        assert book.written().status is SessionStatus.COMPLETED
    (kept,) = journal.read()
    assert (kept.status, kept.rate_hz) == (SessionStatus.RUNNING, 20.0)
