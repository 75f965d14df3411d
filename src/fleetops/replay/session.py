"""A replay session: one thread that sends frames when they are due, and what may be asked of it meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import structlog

from fleetops.errors import BrokerError, DatasetError

from .acknowledgements import Acknowledged
from .journal import SessionRecord
from .ledger import Ledger
from .office import Office
from .pacing import Pacer
from .state import Command, SessionStatus, advance
from .timeline import SceneSpan, ticks
from .transmission import Route, Transmission

log = structlog.stdlib.get_logger(__name__)

RECORDS_IN_FLIGHT = 50_000
"""Sent and not acknowledged, at most: about 40 MB, and half of where the client library makes a send wait."""

_SAVE_EVERY_S = 1.0
"""How much of a session is sent again after kill -9, at most. An fsync per frame would cost more than the frame."""

_ACK_SLICE_S = 0.02
"""Longest wait for acknowledgements before looking whether something was asked."""

_PATIENCE_S = 5.0
"""After this long without an acknowledgement a session says that Kafka does not answer."""

_SUSPEND_DRAIN_S = 0.5
"""How long a stopping process waits for acknowledgements: what is acknowledged need not be sent again."""

_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Live:
    """What is known of a session only while it runs."""

    current_frames: dict[str, int] = field(default_factory=dict)
    """By scene, the last frame sent."""
    current_frame: int | None = None
    vehicles_active: int = 0
    trouble: str | None = None
    """Why nothing gets through to Kafka, where that is so."""


class Session:
    """Replays what its record asks for, from where the record says it stands.

    The record is the one truth about what is wanted: commands change it, the thread obeys it.
    """

    def __init__(
        self,
        route: Route,
        office: Office,
        record: SessionRecord,
        spans: Sequence[SceneSpan],
        on_end: Callable[[Session], None],
    ) -> None:
        self._route, self._office, self._spans, self._on_end = route, office, spans, on_end
        self._record = record
        self._ledger = Ledger(record, office.metrics)
        self._live = Live()
        self._log = log.bind(session_id=record.session_id)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._resting = threading.Event()
        self._over = threading.Event()
        self._suspended = False
        self._saved_at = route.clock()
        self._saving: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name=f"replay-{record.session_id}", daemon=True)

    # What others ask, from their own threads.

    @property
    def record(self) -> SessionRecord:
        """The session as it stands."""
        with self._lock:
            return self._ledger.onto(self._record)

    @property
    def live(self) -> Live:
        """What it is doing at this moment."""
        return self._live

    def start(self) -> None:
        """Begin, or go on."""
        self._thread.start()

    def pause(self) -> SessionRecord:
        """Send nothing more until resumed; on return the session is still.

        Raises:
            ConflictError: it has ended.
        """
        with self._command(Command.PAUSE) as record:
            if record.status is SessionStatus.RUNNING:
                self._resting.clear()
                self._record = record.model_copy(
                    update={"status": SessionStatus.PAUSED, "paused_at": self._office.now()}
                )
                self._log.info("replay_paused")
        self._resting.wait(_PATIENCE_S)
        return self._saved()

    def resume(self) -> SessionRecord:
        """Go on after a pause.

        Raises:
            ConflictError: it has ended.
        """
        with self._command(Command.RESUME) as record:
            if record.status is SessionStatus.PAUSED:
                self._record = record.model_copy(update={"status": SessionStatus.RUNNING, "paused_at": None})
                self._log.info("replay_resumed")
        return self._saved()

    def change_rate(self, rate_hz: float) -> SessionRecord:
        """Go on at another rate.

        Raises:
            ConflictError: it has ended.
        """
        with self._command(Command.CHANGE_RATE) as record:
            self._record = record.model_copy(update={"rate_hz": rate_hz})
            self._log.info("replay_rate_changed", rate_hz=rate_hz)
        return self._saved()

    def stop(self) -> SessionRecord:
        """End the session; its open scenes get their end.

        Raises:
            ConflictError: it has completed or failed.
            BrokerError: Kafka does not take the scenes' ends now. The session stops as soon as it does.
        """
        with self._command(Command.STOP) as record:
            self._record = record.model_copy(update={"stop_requested": True})
        self._saved()
        if not self._over.wait(_PATIENCE_S):
            raise BrokerError(
                f"Kafka does not acknowledge the end of session {self._record.session_id}'s scenes; "
                "the session sends no more frames, and stops as soon as Kafka answers"
            )
        return self.record

    def suspend(self) -> None:
        """Stop sending without ending anything: the journal says where to go on."""
        self._suspended = True
        self._wake.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to be done."""
        self._thread.join(timeout_s)

    @contextmanager
    def _command(self, command: Command) -> Iterator[SessionRecord]:
        with self._lock:
            record = self._ledger.onto(self._record)
            if record.stop_requested and record.status.is_open and command is not Command.STOP:
                advance(record.session_id, SessionStatus.STOPPED, command)
            advance(record.session_id, record.status, command)
            yield record
        self._wake.set()

    def _saved(self) -> SessionRecord:
        with self._lock:  # so that no older record is written behind a newer one
            record = self._ledger.onto(self._record)
            saving = self._office.save(record)
        self._await_saved(saving)
        return record

    def _await_saved(self, saving: Future[None]) -> None:
        try:
            saving.result()
        except OSError as error:  # the disk is full, say; what was asked holds all the same, until a crash
            self._log.error("journal_failed", error=str(error))

    # The session's own thread.

    def _run(self) -> None:
        try:
            self._persist()
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it
            if self._suspended and not isinstance(error, DatasetError):  # the reader is taken away when a process ends
                self._log.info("replay_suspended", reason=repr(error))
                return
            self._log.error("replay_failed", reason=str(error), exc_info=not isinstance(error, DatasetError))
            self._finish(SessionStatus.FAILED, str(error))

    def _persist(self) -> None:
        backoff_s = _FIRST_BACKOFF_S
        while not self._suspended:
            before = self._ledger.records
            try:
                with closing(Transmission(self._route, self.record, self._spans)) as out:
                    self._transmit(out)
                    return
            except BrokerError as error:
                self._office.metrics.interruptions.inc()
                self._live = Live(self._live.current_frames, self._live.current_frame, trouble=str(error))
                self._log.warning("replay_interrupted", reason=str(error), retry_in_s=backoff_s)
                self._sleep(backoff_s)
                backoff_s = (
                    min(_LONGEST_BACKOFF_S, 2 * backoff_s) if self._ledger.records == before else _FIRST_BACKOFF_S
                )

    def _transmit(self, out: Transmission) -> None:
        pacer = Pacer(self._record.rate_hz, self._route.clock())
        failure: DatasetError | None = None
        try:
            completed = self._send_all(out, pacer)
        except DatasetError as error:
            completed, failure = False, error
        if failure:
            out.end_begun_scenes(pacer.rate_hz)
        elif self._record.stop_requested:
            out.end_open_scenes(pacer.rate_hz)
        self._drain(out)
        if failure:
            raise failure
        if completed or (self._record.stop_requested and out.unacknowledged_since is None):
            self._finish(SessionStatus.COMPLETED if completed else SessionStatus.STOPPED)
        else:
            self._saved()

    def _send_all(self, out: Transmission, pacer: Pacer) -> bool:
        """Send everything left; False when asked to stop or to suspend before the end."""
        for tick in ticks(self._spans, self._record.request.mode, self.record.progress):
            out.prepare(tick)
            if not self._await_turn(out, pacer):
                return False
            late_s = pacer.sent(self._route.clock())
            vehicles = out.emit(tick, pacer.rate_hz)
            if pacer.rate_hz:
                self._office.metrics.lateness.observe(late_s)
            self._live = Live(
                self._live.current_frames | {step.span.scene_id: step.frame_index for step in tick},
                max(step.frame_index for step in tick),
                vehicles,
            )
            self._take(out.poll())
        self._drain(out)
        return out.unacknowledged_since is None

    def _await_turn(self, out: Transmission, pacer: Pacer) -> bool:
        """Wait until the next frame is due; False when there shall be none."""
        while True:
            self._wake.clear()
            record = self._record
            if self._suspended or record.stop_requested:
                return False
            if record.status is SessionStatus.PAUSED:
                self._rest(out, record)
                pacer.restart(self._route.clock())
                continue
            now = self._route.clock()
            pacer.change_rate(record.rate_hz, now)
            if out.records_in_flight > RECORDS_IN_FLIGHT:
                self._take(out.poll(_ACK_SLICE_S))
                self._note_silence(out)
                continue
            wait_s = pacer.due(now) - now
            if wait_s <= 0:
                return True
            if out.unacknowledged_since is not None:
                self._take(out.poll(min(wait_s, _ACK_SLICE_S)))
                self._note_silence(out)
            else:
                self._wake.wait(wait_s)

    def _rest(self, out: Transmission, record: SessionRecord) -> None:
        """A while of a pause: until something is asked, or acknowledged, or the pause has lasted too long."""
        self._resting.set()
        if out.unacknowledged_since is not None:
            self._take(out.poll(_ACK_SLICE_S))
            return
        paused_s = (self._office.now() - (record.paused_at or self._office.now())).total_seconds()
        if paused_s < self._office.idle_end_s:
            self._wake.wait(self._office.idle_end_s - paused_s)
            return
        with self._lock:
            if self._record.status is SessionStatus.PAUSED:
                reason = f"paused for longer than {self._office.idle_end_s:g} s"
                self._record = self._record.model_copy(update={"stop_requested": True, "reason": reason})

    def _drain(self, out: Transmission) -> None:
        """Wait until all that was sent is acknowledged; not for long when the process is to end."""
        give_up_at: float | None = None
        while out.unacknowledged_since is not None:
            if self._suspended and give_up_at is None:
                give_up_at = self._route.clock() + _SUSPEND_DRAIN_S
            if give_up_at is not None and self._route.clock() > give_up_at:
                return
            self._take(out.poll(_ACK_SLICE_S))
            self._note_silence(out)

    def _take(self, through: list[Acknowledged]) -> None:
        if not through:
            return
        self._ledger.enter(through)
        if self._record.status is SessionStatus.PAUSED or self._route.clock() - self._saved_at >= _SAVE_EVERY_S:
            self._save()

    def _save(self) -> None:
        """Have the journal written, unless it is still busy with the last time."""
        if self._saving is not None:
            if not self._saving.done():
                return
            if error := self._saving.exception():
                self._log.error("journal_failed", error=str(error))
        self._saved_at = self._route.clock()
        with self._lock:
            self._saving = self._office.save(self._ledger.onto(self._record))

    def _note_silence(self, out: Transmission) -> None:
        since = out.unacknowledged_since
        silent = since is not None and self._route.clock() - since > _PATIENCE_S
        if silent != (self._live.trouble is not None):
            trouble = f"Kafka has acknowledged nothing for {_PATIENCE_S:g} s" if silent else None
            self._live = Live(
                self._live.current_frames,
                self._live.current_frame,
                self._live.vehicles_active,
                trouble,
            )

    def _sleep(self, seconds: float) -> None:
        deadline = self._route.clock() + seconds
        while not self._suspended and (left := deadline - self._route.clock()) > 0:
            self._wake.wait(min(left, _ACK_SLICE_S * 10))
            self._wake.clear()

    def _finish(self, status: SessionStatus, reason: str | None = None) -> None:
        with self._lock:
            self._record = self._record.model_copy(
                update={"status": status, "ended_at": self._office.now(), "reason": reason or self._record.reason}
            )
            record = self._ledger.onto(self._record)
            # Before anyone can see that it has ended, and begin another session under its id.
            saving = self._office.save(record)
        self._live = Live(self._live.current_frames, self._live.current_frame)
        self._await_saved(saving)
        seconds = (self._office.now() - record.started_at).total_seconds()
        self._log.info(
            f"replay_{status}", records=record.records_acked, scenes=len(record.ended), seconds=round(seconds, 3)
        )
        self._on_end(self)
        self._over.set()
        self._resting.set()
