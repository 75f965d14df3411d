"""What may be asked of a session while it runs: steps, seeks, reviews, and what operators want of its vehicles."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.replay.orders import PULL_OVER, RESUME, action_on, command
from tests.unit.replay.wire import FRAMES, SLOW_HZ, Make, Wire, request, status, until

from fleetops.contracts.vocabulary import Purpose
from fleetops.errors import ConflictError, InvalidRequestError, NotFoundError, UnknownSceneError
from fleetops.replay.descent import Moment
from fleetops.replay.journal import Journal, SessionRecord
from fleetops.replay.metrics import ReplayMetrics
from fleetops.replay.request import FrameInterval
from fleetops.replay.sessions import Sessions
from fleetops.replay.state import SessionStatus

CAR = "scene_1_track_4"


def paused_at_start(sessions: Sessions, wire: Wire, *scenes: str) -> None:
    """A session `s` that has sent at least one frame and is still."""
    sessions.start(request("s", *scenes, rate=SLOW_HZ))
    until(lambda: bool(wire.sent))
    sessions.session("s").pause()


def test_a_paused_session_goes_on_by_steps_and_is_still_again(make: Make, wire: Wire) -> None:
    """Exactly so many frames, whatever the rate; not one more later, and the last step completes it."""
    sessions = make()
    paused_at_start(sessions, wire)
    sent = len(wire.sent)
    assert sessions.session("s").step(3).status is SessionStatus.PAUSED
    assert len(wire.sent) == sent + 3
    time.sleep(0.3)
    assert len(wire.sent) == sent + 3
    sessions.session("s").step(FRAMES)
    until(lambda: status(sessions, "s") is SessionStatus.COMPLETED)
    assert wire.sent == [("scene_1", frame) for frame in range(FRAMES)]


def test_only_a_paused_session_can_be_stepped(make: Make, wire: Wire) -> None:
    """A running one says what to do; one that has ended is over. Steps left over are forgotten by a resume."""
    sessions = make()
    sessions.start(request("s", rate=SLOW_HZ))
    with pytest.raises(ConflictError, match="pause it before stepping"):
        sessions.session("s").step(1)
    sessions.stop("s")
    with pytest.raises(ConflictError, match="is stopped"):
        sessions.session("s").step(1)


def test_a_seek_ends_a_session_and_begins_another_there(make: Make, wire: Wire) -> None:
    """The new one says where it comes from; a scene that only one may replay is free for it."""
    sessions = make()
    sessions.start(request("s", "scene_1", "scene_2", rate=SLOW_HZ))
    until(lambda: bool(wire.sent))
    begun = sessions.seek("s", 7, "scene_2", "key")
    assert (status(sessions, "s"), begun.parent_session) == (SessionStatus.STOPPED, "s")
    assert sessions.seek("s", 7, "scene_2", "key").session_id == begun.session_id, "asked once more, it is done already"
    back = sessions.seek(begun.session_id, 5, "scene_1")
    assert (back.request.scene_ids, back.parent_session) == (["scene_1", "scene_2"], begun.session_id)
    sessions.session(back.session_id).change_rate(0.0)
    until(lambda: status(sessions, back.session_id) is SessionStatus.COMPLETED)
    assert wire.sent[-FRAMES - 15 :][:15] == [("scene_1", frame) for frame in range(5, FRAMES)]
    with pytest.raises(ConflictError):
        sessions.seek("s", 7, "scene_2")
    with pytest.raises(InvalidRequestError, match="Idempotency-Key"):
        sessions.seek(back.session_id, 7, None, "key")


def test_a_seek_that_makes_no_sense_ends_nothing(make: Make, wire: Wire) -> None:
    """A frame that there is not is refused before the session is stopped."""
    sessions = make()
    sessions.start(request("s", rate=SLOW_HZ))
    for session, frame, scene in (("s", FRAMES, None), ("s", 3, "scene_2")):
        with pytest.raises(UnknownSceneError):
            sessions.seek(session, frame, scene)
    with pytest.raises(NotFoundError):
        sessions.seek("t", 3, None)
    assert status(sessions, "s") is SessionStatus.RUNNING


def test_a_paused_session_is_sought_to_one_frame(make: Make, wire: Wire) -> None:
    """That frame is shown, and the new session is as still as the old one."""
    sessions = make()
    paused_at_start(sessions, wire)
    begun = sessions.seek("s", 12, None)
    assert wire.sent[-1] == ("scene_1", 12)
    assert status(sessions, begun.session_id) is SessionStatus.PAUSED
    assert sessions.view(begun.session_id).live.current_frame == 12


def test_a_start_sent_twice_is_one_session(make: Make, wire: Wire) -> None:
    """Also by the process after the one that heard it first; another request needs another key."""
    sessions = make()
    again = request("none", rate=5.0).model_copy(update={"session_id": None})
    first = sessions.start(again, "key")
    assert sessions.start(again, "key").session_id == first.session_id
    sessions.suspend()
    later = make()
    later.take_up()
    assert later.start(again, "key").session_id == first.session_id
    with pytest.raises(InvalidRequestError, match="Idempotency-Key"):
        later.start(request("t", "scene_2"), "key")


def test_a_review_hurries_through_what_it_does_not_show_and_leaves_live_sessions_alone(make: Make, wire: Wire) -> None:
    """Frames before `show_from` are sent at once; what was done to vehicles in the session reviewed is done again."""
    sessions = make()
    sessions.start(request("live", rate=5.0))
    until(lambda: bool(wire.sent))
    assert sessions.obey(action_on(CAR, PULL_OVER), command(1, session="live"))
    until(lambda: bool(wire.played))
    sessions.session("live").change_rate(SLOW_HZ)
    part = FrameInterval(start_frame=0, end_frame=FRAMES, show_from=FRAMES - 1)
    hurried = request("r", "scene_2", rate=0.1, purpose=Purpose.REVIEW)
    sessions.start(hurried.model_copy(update={"frames": {"scene_2": part}}))
    until(lambda: ("scene_2", FRAMES - 2) in wire.sent)
    review = sessions.review(Moment(scene_id="scene_1", frame_index=3, session_id="live"))
    assert (review.request.purpose, review.parent_session) == (Purpose.REVIEW, "live")
    assert [one.begun for one in review.interventions.values()] == [wire.played[0].begun]
    assert status(sessions, "live") is SessionStatus.RUNNING


def test_a_seek_in_a_review_still_shows_what_operators_did(make: Make, wire: Wire) -> None:
    """They are part of the moment; a live session's interventions end with it."""
    sessions = make()
    sessions.start(request("live", rate=5.0))
    until(lambda: bool(wire.sent))
    assert sessions.obey(action_on(CAR, PULL_OVER), command(1, session="live"))
    until(lambda: bool(wire.played))
    sessions.session("live").change_rate(SLOW_HZ)
    moment = Moment(scene_id="scene_1", frame_index=3, session_id="live", replay_rate_hz=0.1)
    review = sessions.review(moment)
    until(lambda: sessions.view(review.session_id).live.current_frame is not None)
    assert review.interventions
    assert sessions.seek(review.session_id, 2, None).interventions == review.interventions
    assert sessions.seek("live", 2, None).interventions == {}


def test_a_session_of_another_dataset_says_nothing_about_a_moment(make: Make, tmp_path: Path) -> None:
    """Its vehicles are not the ones that bear their names now."""
    asked = request("old")
    now = datetime.now(UTC)
    old = SessionRecord(
        session_id="old",
        request=asked,
        dataset="sha256:ff",
        rate_hz=1.0,
        started_at=now,
        status=SessionStatus.STOPPED,
    )
    Journal(tmp_path).write(old)
    sessions = make()
    sessions.take_up()
    with pytest.raises(ConflictError, match="another dataset"):
        sessions.review(Moment(scene_id="scene_1", frame_index=3, session_id="old"))


def test_what_operators_want_is_in_the_journal_before_it_happens(
    make: Make, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the frame it begins at; while the disk is full nothing begins, and then it does."""
    metrics = ReplayMetrics()
    sessions = make(metrics=metrics)
    paused_at_start(sessions, wire)
    full = [False]
    write = Journal.write

    def disk(journal: Journal, record: object) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")
        write(journal, record)  # type: ignore[arg-type]  # whatever a session writes

    monkeypatch.setattr(Journal, "write", disk)
    full[0] = True
    with pytest.raises(OSError, match="No space"):
        sessions.obey(action_on(CAR, PULL_OVER), command(1))
    sent = len(wire.sent)
    sessions.session("s").step(3)
    assert len(wire.sent) == sent + 3
    assert not wire.played
    full[0] = False
    sessions.session("s").step(1)
    until(lambda: bool(wire.played))
    (played,) = wire.played
    frame = played.begun[-1].from_frame
    assert b'manoeuvres_total{action="PULL_OVER_SIMULATED"} 1.0' in metrics.render()
    (kept,) = Journal(tmp_path).read()
    assert kept.interventions[CAR].begun[0].from_frame == frame
    sessions.session("s").step(FRAMES)
    until(lambda: status(sessions, "s") is SessionStatus.COMPLETED)
    assert [frame for _, frame in wire.sent] == list(range(FRAMES))


def test_a_command_for_no_open_session_does_nothing(make: Make, wire: Wire) -> None:
    """Of an old session, an unknown one, a vehicle of another scene, or old news."""
    sessions = make()
    sessions.start(request("old"))
    until(lambda: status(sessions, "old") is SessionStatus.COMPLETED)
    sessions.start(request("s", rate=5.0))
    assert not sessions.obey(action_on(CAR, PULL_OVER), command(1, session="old"))
    assert not sessions.obey(action_on(CAR, PULL_OVER), command(1, session="never"))
    assert not sessions.obey(action_on("scene_2_track_4", PULL_OVER), command(1))
    assert sessions.obey(action_on(CAR, PULL_OVER), command(5))
    assert not sessions.obey(action_on(CAR, RESUME), command(4))
    until(lambda: bool(wire.played))
    assert [one.action for one in wire.played[-1].begun] == [PULL_OVER]
