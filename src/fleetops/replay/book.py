"""What is wanted of a session and how far it is: one record, changed under a lock and journaled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future

import structlog

from .acknowledgements import Acknowledged
from .journal import SessionRecord
from .ledger import Ledger
from .office import Office

log = structlog.stdlib.get_logger(__name__)

_SAVE_EVERY_S = 1.0
"""How much of a session is sent again after kill -9, at most. An fsync per frame would cost more than the frame."""


class Book:
    """The one truth about a session: commands change it, the session's thread obeys it. Any thread may."""

    def __init__(self, office: Office, record: SessionRecord, clock: Callable[[], float]) -> None:
        self._office, self._record, self._clock = office, record, clock
        self._ledger = Ledger(record, office.metrics)
        self._lock = threading.Lock()
        self._saving: Future[None] | None = None
        self._reserving: Future[None] | None = None
        self._closing: Future[None] | None = None
        self._saved_at = clock()
        self._log = log.bind(session_id=record.session_id)
        self.changed = threading.Event()
        """Set with every change; who waits for one clears it before looking."""

    @property
    def wanted(self) -> SessionRecord:
        """What is wanted, its progress aside, which may be old: a cheap look, for every frame."""
        return self._record

    @property
    def record(self) -> SessionRecord:
        """The session as it stands."""
        with self._lock:
            return self._ledger.onto(self._record)

    @property
    def records_acked(self) -> int:
        """Telemetry records that are through."""
        return self._ledger.records

    def change(self, how: Callable[[SessionRecord], SessionRecord]) -> SessionRecord:
        """Put what `how` makes of the record in its place, and wake the session's thread.

        What `how` raises changes nothing.
        """
        with self._lock:
            self._record = how(self._ledger.onto(self._record))
            record = self._record
        self.changed.set()
        return record

    def close(self, how: Callable[[SessionRecord], SessionRecord]) -> SessionRecord:
        """`change` for the last time: who sees it may begin another session under this id.

        So this record goes to the journal before that one's can, and nothing of this session after it.
        """
        with self._lock:
            self._record = self._ledger.onto(how(self._record))
            saving = self._closing = self._office.save(self._record)
        self._await(saving)
        return self._record

    def saved(self) -> SessionRecord:
        """The session as it stands, and it is in the journal.

        Where the disk refuses, that is logged, and what was asked holds all the same, until a crash.
        """
        record, saving = self._submit()
        self._await(saving)
        return record

    def written(self) -> SessionRecord:
        """The session as it stands, in the journal for certain.

        Raises:
            OSError: it cannot be written.
        """
        record, saving = self._submit()
        saving.result()
        return record

    def enter(self, through: Iterable[Acknowledged], *, at_once: bool = False) -> None:
        """Note what is through; it reaches the journal within a second, or `at_once` without waiting for it."""
        self._ledger.enter(through)
        if at_once or self._clock() - self._saved_at >= _SAVE_EVERY_S:
            self._save()

    def reserve(self, frames: Mapping[str, int]) -> None:
        """Say that frames up to these may be sent, without waiting for the journal."""
        with self._lock:
            self._record = self._record.model_copy(update={"reserved": {**self._record.reserved, **frames}})
        _, self._reserving = self._submit()

    def await_reserved(self) -> None:
        """Wait until what was last said to be sent is in the journal."""
        if self._reserving is not None:
            self._await(self._reserving)

    def _submit(self) -> tuple[SessionRecord, Future[None]]:
        with self._lock:  # so that no older record is written behind a newer one
            if self._closing is not None:
                return self._record, self._closing
            record = self._ledger.onto(self._record)
            return record, self._office.save(record)

    def _await(self, saving: Future[None]) -> None:
        try:
            saving.result()
        except OSError as error:
            self._log.error("journal_failed", error=str(error))

    def _save(self) -> None:
        """Have the journal written, unless it is still busy with the last time."""
        if self._saving is not None:
            if not self._saving.done():
                return
            if error := self._saving.exception():
                self._log.error("journal_failed", error=str(error))
        self._saved_at = self._clock()
        with self._lock:
            self._saving = self._office.save(self._ledger.onto(self._record))
