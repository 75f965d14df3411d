"""The thread of a session: sends frames when they are due, obeys its book, and tries again when Kafka is away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import structlog

from fleetops.errors import BrokerError, DatasetError

from .acknowledgements import Acknowledged
from .book import Book
from .cues import Cues
from .journal import SessionRecord
from .office import Office
from .pacing import Pacer
from .reservation import Reservation
from .state import SessionStatus
from .timeline import SceneSpan, Tick, is_hidden, ticks
from .transmission import Route, Transmission

log = structlog.stdlib.get_logger(__name__)

RECORDS_IN_FLIGHT = 50_000
"""Sent and not acknowledged, at most: about 40 MB, and half of where the client library makes a send wait."""

PATIENCE_S = 5.0
"""After this long without an acknowledgement a session says that Kafka does not answer."""

_ACK_SLICE_S = 0.02
"""Longest wait for acknowledgements before looking whether something was asked."""

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


class Performer:
    """Sends what is left of a session. `run` is its thread's; what others may use is said so."""

    def __init__(self, route: Route, office: Office, book: Book, spans: Sequence[SceneSpan], *, restored: bool) -> None:
        self._route, self._office, self._book, self._spans = route, office, book, spans
        self._reservation = Reservation(book, restored=restored)
        self._log = log.bind(session_id=book.wanted.session_id)
        self._suspended = False
        self._steps = 0
        self._steps_lock = threading.Lock()
        self.live = Live()
        """What it is doing at this moment. Any thread may look."""
        self.resting = threading.Event()
        """Set while a paused session is still."""

    def suspend(self) -> None:
        """Stop sending without ending anything. Any thread may ask."""
        self._suspended = True
        self._book.changed.set()

    def step(self, frames: int) -> None:
        """Send so many frames of a paused session. Any thread may ask."""
        with self._steps_lock:
            self._steps += frames
            self.resting.clear()
        self._book.changed.set()

    def run(self, on_end: Callable[[], None]) -> None:
        """Send everything, or until suspended; `on_end` is called when the session has ended."""
        try:
            self._persist(on_end)
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it
            if self._suspended and not isinstance(error, DatasetError):  # the reader is taken away when a process ends
                self._log.info("replay_suspended", reason=repr(error))
                return
            self._log.error("replay_failed", reason=str(error), exc_info=not isinstance(error, DatasetError))
            self._finish(SessionStatus.FAILED, on_end, str(error))

    def _persist(self, on_end: Callable[[], None]) -> None:
        backoff_s = _FIRST_BACKOFF_S
        while not self._suspended:
            before = self._book.records_acked
            try:
                with closing(Transmission(self._route, self._book.record, self._spans)) as out:
                    self._transmit(out, on_end)
                    return
            except BrokerError as error:
                self._office.metrics.interruptions.inc()
                self.live = replace(self.live, vehicles_active=0, trouble=str(error))
                self._log.warning("replay_interrupted", reason=str(error), retry_in_s=backoff_s)
                self._sleep(backoff_s)
                stuck = self._book.records_acked == before
                backoff_s = min(_LONGEST_BACKOFF_S, 2 * backoff_s) if stuck else _FIRST_BACKOFF_S

    def _transmit(self, out: Transmission, on_end: Callable[[], None]) -> None:
        pacer = Pacer(self._book.wanted.rate_hz, self._route.clock())
        failure: DatasetError | None = None
        try:
            completed = self._send_all(out, pacer)
        except DatasetError as error:
            completed, failure = False, error
        if failure:
            out.end_begun_scenes(pacer.rate_hz)
        elif self._book.wanted.stop_requested:
            out.end_open_scenes(pacer.rate_hz)
        self._drain(out)
        if failure:
            raise failure
        if completed or (self._book.wanted.stop_requested and out.unacknowledged_since is None):
            self._finish(SessionStatus.COMPLETED if completed else SessionStatus.STOPPED, on_end)
        else:
            self._reservation.settle()
            self._book.saved()

    def _send_all(self, out: Transmission, pacer: Pacer) -> bool:
        """Send everything left; False when asked to stop or to suspend before the end."""
        cues = Cues(self._book, self._reservation, self._office.metrics)
        record = self._book.wanted
        for tick in ticks(self._spans, record.request.mode, self._book.record.progress):
            out.prepare(tick)
            self._reservation.cover(tick, pacer.rate_hz)
            if not self._await_turn(out, pacer, tick):
                return False
            cues.give(out, tick, pacer.rate_hz)
            late_s = pacer.sent(self._route.clock())
            vehicles = out.emit(tick, pacer.rate_hz)
            self._reservation.sent(tick, pacer.rate_hz)
            if pacer.rate_hz:
                self._office.metrics.lateness.observe(late_s)
            self.live = Live(
                self.live.current_frames | {step.span.scene_id: step.frame_index for step in tick},
                max(step.frame_index for step in tick),
                vehicles,
            )
            self._take(out.poll())
        self._drain(out)
        return out.unacknowledged_since is None

    def _await_turn(self, out: Transmission, pacer: Pacer, tick: Tick) -> bool:
        """Wait until `tick` is due; False when there shall be none."""
        while True:
            self._book.changed.clear()
            wanted = self._book.wanted
            if self._suspended or wanted.stop_requested:
                return False
            rate_hz = 0.0 if is_hidden(tick) else wanted.rate_hz
            if wanted.status is SessionStatus.PAUSED:
                pacer.change_rate(rate_hz, self._route.clock())
                pacer.restart(self._route.clock())
                if self._takes_a_step():
                    return True
                self._rest(out, wanted)
                continue
            self._steps = 0  # left over from a pause that was ended
            now = self._route.clock()
            pacer.change_rate(rate_hz, now)
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
                self._book.changed.wait(wait_s)

    def _takes_a_step(self) -> bool:
        with self._steps_lock:
            self._steps -= (took := self._steps > 0)
            return took

    def _rest(self, out: Transmission, wanted: SessionRecord) -> None:
        """A while of a pause: until something is asked, or acknowledged, or the pause has lasted too long."""
        with self._steps_lock:
            if not self._steps:
                self.resting.set()
        if out.unacknowledged_since is not None:
            self._take(out.poll(_ACK_SLICE_S))
            return
        paused_s = (self._office.now() - (wanted.paused_at or self._office.now())).total_seconds()
        if paused_s < self._office.idle_end_s:
            self._book.changed.wait(self._office.idle_end_s - paused_s)
            return
        reason = f"paused for longer than {self._office.idle_end_s:g} s"
        self._book.change(
            lambda record: (
                record.model_copy(update={"stop_requested": True, "reason": reason})
                if record.status is SessionStatus.PAUSED
                else record
            )
        )

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
        if through:
            self._book.enter(through, at_once=self._book.wanted.status is SessionStatus.PAUSED)

    def _note_silence(self, out: Transmission) -> None:
        since = out.unacknowledged_since
        silent = since is not None and self._route.clock() - since > PATIENCE_S
        if silent != (self.live.trouble is not None):
            trouble = f"Kafka has acknowledged nothing for {PATIENCE_S:g} s" if silent else None
            self.live = replace(self.live, trouble=trouble)

    def _sleep(self, seconds: float) -> None:
        deadline = self._route.clock() + seconds
        while not self._suspended and (left := deadline - self._route.clock()) > 0:
            self._book.changed.wait(min(left, _ACK_SLICE_S * 10))
            self._book.changed.clear()

    def _finish(self, status: SessionStatus, on_end: Callable[[], None], reason: str | None = None) -> None:
        ended_at = self._office.now()
        record = self._book.close(
            lambda record: record.model_copy(
                update={"status": status, "ended_at": ended_at, "reason": reason or record.reason}
            )
        )
        self.live = Live(self.live.current_frames, self.live.current_frame)
        seconds = (ended_at - record.started_at).total_seconds()
        self._log.info(
            f"replay_{status}", records=record.records_acked, scenes=len(record.ended), seconds=round(seconds, 3)
        )
        on_end()
        self.resting.set()
