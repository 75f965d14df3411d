"""What must survive a restart of replay-service: one small file per session, written atomically.

A file is replaced as a whole (temporary file, fsync, rename), so that a crash at any
moment leaves the old one or the new one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleetops.settings import RateHz

from .interventions import Intervention
from .request import ReplayRequest, SessionId
from .state import SessionStatus
from .timeline import Progress

log = structlog.stdlib.get_logger(__name__)

KEPT = 200
"""Ended sessions that are kept, newest first. What they sent is in Kafka; this is only their record."""


class SessionRecord(BaseModel):
    """A session as it stands: what it was asked, how far the broker has acknowledged it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session_id: SessionId
    request: ReplayRequest
    dataset: Annotated[str, Field(description="digest of the dataset it replays")]
    status: SessionStatus = SessionStatus.RUNNING
    rate_hz: RateHz
    started_at: datetime
    paused_at: datetime | None = None
    ended_at: datetime | None = None
    stop_requested: Annotated[bool, Field(description="it stops as soon as Kafka takes its scenes' ends")] = False
    reason: Annotated[str | None, Field(description="why it ended, where that was not asked for or foreseen")] = None
    acked: Annotated[dict[str, int], Field(description="by scene, the last frame the broker has acknowledged")] = {}
    ended: Annotated[list[str], Field(description="scenes whose end the broker has acknowledged")] = []
    records_acked: int = 0
    reserved: Annotated[
        dict[str, int], Field(description="by scene, a frame beyond which certainly none was sent, acknowledged or not")
    ] = {}
    interventions: Annotated[dict[str, Intervention], Field(description="by vehicle, what operators had it do")] = {}
    parent_session: Annotated[SessionId | None, Field(description="the session it was sought from, or reviews")] = None
    origin: Annotated[ReplayRequest | None, Field(description="what the first session before any seek was asked")] = (
        None
    )
    idempotency_key: str | None = None

    @property
    def progress(self) -> Progress:
        """What the broker has acknowledged."""
        return Progress(dict(self.acked), frozenset(self.ended))

    def pending_in(self, scene_id: str) -> list[Intervention]:
        """What vehicles of a scene are to do as soon as they can."""
        return [one for one in self.interventions.values() if one.scene_id == scene_id and one.pending is not None]


class Journal:
    """The records of all sessions of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "replay" / "sessions"

    def write(self, record: SessionRecord) -> None:
        """Replace the session's record; it is on disk when this returns.

        Raises:
            OSError: it cannot be written, for example because the disk is full. The old one still holds.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{record.session_id}.json"
        draft = path.with_suffix(".tmp")
        with draft.open("wb") as file:
            file.write(record.model_dump_json(indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(self._folder)

    def read(self) -> list[SessionRecord]:
        """Every session's record, oldest first. A file that is none is reported and left alone."""
        return sorted(self._readable(), key=lambda record: record.started_at)

    def forget(self, session_ids: Iterable[str]) -> None:
        """Delete the records of these sessions."""
        for session_id in session_ids:
            (self._folder / f"{session_id}.json").unlink(missing_ok=True)

    def _readable(self) -> Iterator[SessionRecord]:
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield SessionRecord.model_validate_json(path.read_bytes())
            except (ValidationError, OSError) as error:
                log.error("journal_unreadable", path=str(path), error=str(error))  # noqa: TRY400 - the message says it all


def rewind(data_dir: Path) -> None:
    """Make every open session start again from its start, with the same ids.

    For a broker that has forgotten everything; replay-service must not be running.
    """
    journal = Journal(data_dir)
    for record in journal.read():
        if record.status.is_open:
            journal.write(record.model_copy(update={"acked": {}, "ended": [], "records_acked": 0, "reserved": {}}))


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
