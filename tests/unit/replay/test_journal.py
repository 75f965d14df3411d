"""What survives a crash of replay-service, at whatever moment it comes."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fleetops.replay.journal import Journal, SessionRecord, rewind
from fleetops.replay.request import ReplayRequest
from fleetops.replay.state import SessionStatus

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def record_of(session_id: str, **changes: object) -> SessionRecord:
    """A session in the middle of its first scene."""
    record = SessionRecord(
        session_id=session_id,
        request=ReplayRequest(scene_ids=["scene_1", "scene_2"], session_id=session_id),
        dataset="sha256:00",
        rate_hz=10.0,
        started_at=START,
        acked={"scene_1": 41},
        records_acked=3_000,
    )
    return record.model_copy(update=changes)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Every field, after the process that wrote it is gone."""
    record = record_of("s-1", status=SessionStatus.PAUSED, paused_at=START, ended=["scene_0"], reason="none")
    Journal(tmp_path).write(record)
    assert Journal(tmp_path).read() == [record]


def test_sessions_are_read_oldest_first_and_can_be_forgotten(tmp_path: Path) -> None:
    """The order is that of their start, not of their names."""
    journal = Journal(tmp_path)
    for i, name in enumerate(("c", "a", "b")):
        journal.write(record_of(name, started_at=START + timedelta(seconds=i)))
    assert [record.session_id for record in journal.read()] == ["c", "a", "b"]
    journal.forget(["a", "never-there"])
    assert [record.session_id for record in journal.read()] == ["c", "b"]


@pytest.mark.parametrize("dies_at", ["write", "fsync", "replace"])
def test_a_crash_while_writing_leaves_the_record_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    """Half a draft, or one that was never renamed, is not read; the next write goes through."""
    journal = Journal(tmp_path)
    journal.write(record_of("s"))

    def die(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if dies_at == "write":
        monkeypatch.setattr(SessionRecord, "model_dump_json", die)
    elif dies_at == "fsync":
        monkeypatch.setattr(os, "fsync", die)
    else:
        monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(OSError, match="No space left"):
        journal.write(record_of("s", acked={"scene_1": 99}))
    monkeypatch.undo()
    assert [record.acked for record in journal.read()] == [{"scene_1": 41}]
    journal.write(record_of("s", acked={"scene_1": 99}))
    assert [record.acked for record in journal.read()] == [{"scene_1": 99}]


def test_the_draft_is_on_disk_before_it_takes_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync, then rename: the other way round a power cut leaves an empty file."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noting_fsync(descriptor: int) -> None:
        done.append("fsync")
        fsync(descriptor)

    def noting_replace(self: Path, target: Path) -> Path:
        done.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "replace", noting_replace)
    Journal(tmp_path).write(record_of("s"))
    assert done[:2] == ["fsync", "rename"]


def test_a_file_that_is_no_record_is_reported_and_left_alone(tmp_path: Path) -> None:
    """One bad file must not keep the service from starting, nor be destroyed."""
    journal = Journal(tmp_path)
    journal.write(record_of("good"))
    bad = tmp_path / "replay" / "sessions" / "bad.json"
    bad.write_text('{"session_id": "bad"')
    with capture_logs() as logged:
        assert [record.session_id for record in journal.read()] == ["good"]
    assert [entry["event"] for entry in logged] == ["journal_unreadable"]
    assert bad.read_text() == '{"session_id": "bad"'


def test_rewinding_starts_open_sessions_again_and_leaves_ended_ones(tmp_path: Path) -> None:
    """The ids and the request stay, paused stays paused; only the progress is gone."""
    journal = Journal(tmp_path)
    running, paused = record_of("running"), record_of("paused", status=SessionStatus.PAUSED, paused_at=START)
    ended = record_of("ended", status=SessionStatus.COMPLETED, ended=["scene_1", "scene_2"])
    for record in (running, paused, ended):
        journal.write(record)
    rewind(tmp_path)
    fresh = {"acked": {}, "ended": [], "records_acked": 0}
    assert {record.session_id: record for record in journal.read()} == {
        "running": running.model_copy(update=fresh),
        "paused": paused.model_copy(update=fresh),
        "ended": ended,
    }


def test_rewinding_nothing_is_no_error(tmp_path: Path) -> None:
    """A data directory that never saw a replay."""
    rewind(tmp_path)


@pytest.mark.parametrize("session_id", ["../escape", "a/b", "", ".hidden", "x" * 101, "a b", "a\n"])
def test_ids_that_are_no_file_names_are_refused(session_id: str) -> None:
    """A session id names a file, so it is checked where it comes in."""
    body = json.dumps({"scene_ids": ["scene_1"], "session_id": session_id})
    with pytest.raises(ValueError, match="session_id"):
        ReplayRequest.model_validate_json(body)
