"""A session's thread and its commands, with a transmission that acknowledges at once, or fails, as told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.replay.wire import FRAMES, SLOW_HZ, Make, Wire, hold_at, request, status, until

from fleetops.errors import BrokerError, ConflictError, DatasetError, NotFoundError
from fleetops.replay.journal import KEPT, Journal, SessionRecord
from fleetops.replay.state import SessionStatus


def test_a_session_sends_everything_once_and_completes(make: Make, wire: Wire, tmp_path: Path) -> None:
    """In order; the journal says so, too."""
    sessions = make()
    sessions.start(request("s", "scene_2", "scene_1"))
    until(lambda: status(sessions, "s") is SessionStatus.COMPLETED)
    assert wire.sent == [(scene, frame) for scene in ("scene_2", "scene_1") for frame in range(FRAMES)]
    assert wire.ends == ["scene_2", "scene_1"]
    until(lambda: Journal(tmp_path).read()[0].status is SessionStatus.COMPLETED)
    (record,) = Journal(tmp_path).read()
    assert record == sessions.view("s").record
    assert (record.records_acked, record.ended) == (4 * FRAMES, ["scene_1", "scene_2"])


def test_who_sees_that_a_session_has_ended_may_start_the_next(make: Make, wire: Wire) -> None:
    """At once: neither its scene nor its id is taken any more, and the next is not mistaken for it."""
    sessions = make()
    for _ in range(50):
        sessions.start(request("s"))
        until(lambda: status(sessions, "s") is SessionStatus.COMPLETED)
    assert len(wire.sent) == 50 * FRAMES
    assert (sessions.open_count, len(sessions.views())) == (0, 1)


def test_an_interruption_is_gone_on_from_behind_the_last_acknowledged_frame(make: Make, wire: Wire) -> None:
    """A broker that refuses frame 7 twice: what is sent again is at most what was not acknowledged."""
    refusals = [7, 7]

    def refuse(_: str, frame: int) -> None:
        if refusals and frame == refusals[0]:
            refusals.pop()
            raise BrokerError("a record was not delivered")

    wire.before_emit = refuse
    sessions = make()
    sessions.start(request("s"))
    until(lambda: status(sessions, "s") is SessionStatus.COMPLETED)
    assert wire.attempts == 3
    assert sorted(set(wire.sent)) == [("scene_1", frame) for frame in range(FRAMES)]
    assert len(wire.sent) <= FRAMES + 2
    assert sessions.view("s").record.records_acked == 2 * FRAMES, "what is sent again counts once"


def test_an_unreadable_dataset_fails_the_session_and_says_why(make: Make, wire: Wire) -> None:
    """Its scene is ended, so that nothing waits for the rest."""

    def damage(_: str, frame: int) -> None:
        if frame == 5:
            raise DatasetError("chunk 7 of agents is damaged")

    wire.before_emit = damage
    sessions = make()
    sessions.start(request("s"))
    until(lambda: status(sessions, "s") is SessionStatus.FAILED)
    assert (sessions.view("s").record.reason, wire.ends) == ("chunk 7 of agents is damaged", ["scene_1"])


def test_an_unforeseen_error_fails_the_session_and_not_the_service(make: Make, wire: Wire) -> None:
    """Nothing is swallowed: the state says failed, and other sessions go on."""

    def stumble(scene: str, _: int) -> None:
        if scene == "scene_1":
            raise ZeroDivisionError("a mistake of ours")

    wire.before_emit = stumble
    sessions = make()
    sessions.start(request("s"))
    sessions.start(request("t", "scene_2"))
    until(lambda: status(sessions, "s") is SessionStatus.FAILED and status(sessions, "t") is SessionStatus.COMPLETED)
    assert sessions.view("s").record.reason == "a mistake of ours"


def test_a_suspended_session_is_taken_up_where_it_was(make: Make, wire: Wire) -> None:
    """The next process sends the rest, and only the rest."""
    first = make()
    hold_at(wire, first, 5)
    first.start(request("s"))
    until(lambda: len(wire.sent) >= 6)
    first.suspend()
    assert (len(wire.sent) < FRAMES, wire.ends) == (True, [])
    second = make()
    second.take_up()
    second.session("s").change_rate(0.0)
    until(lambda: status(second, "s") is SessionStatus.COMPLETED)
    assert wire.sent == [("scene_1", frame) for frame in range(FRAMES)]


@pytest.mark.parametrize("asks_late", [False, True], ids=["cancelled while it waits", "refused as too late"])
def test_a_process_that_ends_while_a_session_reads_leaves_it_running(
    make: Make, wire: Wire, tmp_path: Path, *, asks_late: bool
) -> None:
    """The reader is shut down under a session that waits for a block: no failure, and the next process goes on."""
    waiting, disk, down = threading.Event(), threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as reader:
        reader.submit(disk.wait, 10)

        def read() -> None:
            if len(wire.sent) >= 5:
                waiting.set()
                if asks_late:
                    down.wait(10)
                reader.submit(int).result(10)

        wire.before_prepare = read
        first = make()
        first.start(request("s"))
        session = first.session("s")
        assert waiting.wait(10)
        first.suspend()
        reader.shutdown(wait=False, cancel_futures=True)
        down.set()
        disk.set()
        session.join(10)
    assert (session.record.status, session.record.reason) == (SessionStatus.RUNNING, None)
    assert [record.status for record in Journal(tmp_path).read()] == [SessionStatus.RUNNING]
    wire.before_prepare = lambda: None
    second = make()
    second.take_up()
    until(lambda: status(second, "s") is SessionStatus.COMPLETED)
    assert sorted(set(wire.sent)) == [("scene_1", frame) for frame in range(FRAMES)]
    assert wire.ends == ["scene_1"]


def test_a_dataset_found_unreadable_while_the_process_ends_fails_the_session_all_the_same(
    make: Make, wire: Wire
) -> None:
    """Its scene has been ended, so there is nothing to go on with."""
    sessions = make()

    def damage(_: str, frame: int) -> None:
        if frame == 5:
            session.suspend()
            raise DatasetError("chunk 7 of agents is damaged")

    wire.before_emit = damage
    sessions.start(request("s", rate=200.0))
    session = sessions.session("s")
    until(lambda: status(sessions, "s") is SessionStatus.FAILED)
    assert wire.ends == ["scene_1"]


def test_a_pause_is_still_and_a_stop_reaches_a_paused_session(make: Make, wire: Wire) -> None:
    """After `pause` returns not one frame goes out; `stop` ends the scene all the same."""
    sessions = make()
    hold_at(wire, sessions, 3)
    sessions.start(request("s"))
    until(lambda: len(wire.sent) >= 3)
    assert sessions.session("s").pause().status is SessionStatus.PAUSED
    sent = len(wire.sent)
    time.sleep(0.05)
    assert len(wire.sent) == sent
    assert sessions.stop("s").status is SessionStatus.STOPPED
    assert (len(wire.sent), wire.ends) == (sent, ["scene_1"])
    for command in ("pause", "resume"):
        with pytest.raises(ConflictError):
            getattr(sessions.session("s"), command)()


def test_a_pause_that_lasts_too_long_ends_the_session(make: Make, wire: Wire) -> None:
    """The clock of the wall counts, so a restart does not begin the time anew."""
    hour = [10]
    sessions = make(idle_end_s=600.0, now=lambda: datetime(2026, 11, 23, hour[0], tzinfo=UTC))
    hold_at(wire, sessions, 3)
    sessions.start(request("s"))
    until(lambda: len(wire.sent) >= 3)
    sessions.session("s").pause()
    sessions.suspend()
    hour[0] = 11
    later = make(idle_end_s=600.0, now=lambda: datetime(2026, 11, 23, hour[0], tzinfo=UTC))
    later.take_up()
    until(lambda: status(later, "s") is SessionStatus.STOPPED)
    assert (later.view("s").record.reason, wire.ends) == ("paused for longer than 600 s", ["scene_1"])


def test_commands_from_many_threads_leave_one_truth(make: Make, wire: Wire) -> None:
    """Pauses, resumes, rates and a stop at once: the session stops, and each was obeyed or refused."""
    sessions = make()
    sessions.start(request("s", rate=500.0))
    session = sessions.session("s")
    surprises: list[Exception] = []

    def press(command: Callable[[], object]) -> None:
        for _ in range(20):
            try:
                command()
            except ConflictError:
                return
            except Exception as error:  # noqa: BLE001 - told below
                surprises.append(error)

    buttons: list[Callable[[], object]] = [session.pause, session.resume, lambda: session.change_rate(300.0)]
    threads = [threading.Thread(target=press, args=(button,)) for button in buttons * 2]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    try:
        sessions.stop("s")
    except ConflictError:
        assert status(sessions, "s") is SessionStatus.COMPLETED
    for thread in threads:
        thread.join()
    assert not surprises
    assert not status(sessions, "s").is_open
    assert wire.ends == ["scene_1"]


def test_a_full_disk_stops_no_session(make: Make, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked and sent holds in memory; only a crash would forget it."""
    sessions = make()
    sessions.start(request("s", rate=SLOW_HZ))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "write", full)
    assert sessions.session("s").pause().status is SessionStatus.PAUSED
    sessions.session("s").resume()
    sessions.session("s").change_rate(0.0)
    until(lambda: status(sessions, "s") is SessionStatus.COMPLETED)
    assert len(wire.sent) == FRAMES


def test_only_so_many_ended_sessions_are_kept(make: Make, wire: Wire, tmp_path: Path) -> None:
    """The oldest are forgotten, in memory and on disk."""
    journal = Journal(tmp_path)
    for i in range(KEPT + 5):
        journal.write(
            SessionRecord(
                session_id=f"s{i}",
                request=request(f"s{i}"),
                dataset="sha256:00",
                status=SessionStatus.COMPLETED,
                rate_hz=1.0,
                started_at=datetime.fromtimestamp(i, UTC),
            )
        )
    sessions = make()
    sessions.take_up()
    assert len(sessions.views()) == KEPT
    with pytest.raises(NotFoundError):
        sessions.view("s4")
    until(lambda: len(journal.read()) == KEPT)
    assert sessions.view("s5").record.session_id == "s5"
