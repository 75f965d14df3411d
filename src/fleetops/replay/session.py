"""A replay session: what may be asked of it, from any thread, while its own thread sends frames."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog

from fleetops.contracts.operations import OperatorAction, VehicleCommand
from fleetops.errors import BrokerError, ConflictError

from .book import Book
from .interventions import addressed, deed_of, obey
from .journal import SessionRecord
from .office import Office
from .performer import PATIENCE_S, Live, Performer
from .state import Command, SessionStatus, advance
from .timeline import SceneSpan
from .transmission import Route

__all__ = ["Live", "Session"]

log = structlog.stdlib.get_logger(__name__)


class Session:
    """Replays what its record asks for, from where the record says it stands.

    Args:
        restored: another process has begun it, and may have sent more than the record says.
    """

    def __init__(
        self,
        route: Route,
        office: Office,
        record: SessionRecord,
        spans: Sequence[SceneSpan],
        on_end: Callable[[Session], None],
        *,
        restored: bool = False,
    ) -> None:
        self._office, self._on_end = office, on_end
        self._book = Book(office, record, route.clock)
        self._performer = Performer(route, office, self._book, spans, restored=restored)
        self._log = log.bind(session_id=record.session_id)
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=self._performer.run, args=(self._ended,), name=f"replay-{record.session_id}", daemon=True
        )

    @property
    def record(self) -> SessionRecord:
        """The session as it stands."""
        return self._book.record

    @property
    def live(self) -> Live:
        """What it is doing at this moment."""
        return self._performer.live

    def start(self) -> None:
        """Begin, or go on."""
        self._thread.start()

    def pause(self) -> SessionRecord:
        """Send nothing more until resumed; on return the session is still.

        Raises:
            ConflictError: it has ended.
        """

        def paused(record: SessionRecord) -> SessionRecord:
            if record.status is not SessionStatus.RUNNING:
                return record
            self._performer.resting.clear()
            self._log.info("replay_paused")
            return record.model_copy(update={"status": SessionStatus.PAUSED, "paused_at": self._office.now()})

        self._command(Command.PAUSE, paused)
        self._performer.resting.wait(PATIENCE_S)
        return self._book.saved()

    def resume(self) -> SessionRecord:
        """Go on after a pause.

        Raises:
            ConflictError: it has ended.
        """

        def resumed(record: SessionRecord) -> SessionRecord:
            if record.status is not SessionStatus.PAUSED:
                return record
            self._log.info("replay_resumed")
            return record.model_copy(update={"status": SessionStatus.RUNNING, "paused_at": None})

        self._command(Command.RESUME, resumed)
        return self._book.saved()

    def step(self, frames: int) -> SessionRecord:
        """Send so many frames of a paused session; on return it is still again.

        Raises:
            ConflictError: it is not paused, or has ended.
        """

        def stepped(record: SessionRecord) -> SessionRecord:
            if record.status is SessionStatus.RUNNING:
                raise ConflictError(f"session {record.session_id} is running; pause it before stepping")
            self._performer.step(frames)
            self._log.info("replay_stepped", frames=frames)
            return record.model_copy(update={"paused_at": self._office.now()})

        self._command(Command.STEP, stepped)
        self._performer.resting.wait(PATIENCE_S)
        return self._book.saved()

    def change_rate(self, rate_hz: float) -> SessionRecord:
        """Go on at another rate.

        Raises:
            ConflictError: it has ended.
        """
        self._command(Command.CHANGE_RATE, lambda record: record.model_copy(update={"rate_hz": rate_hz}))
        self._log.info("replay_rate_changed", rate_hz=rate_hz)
        return self._book.saved()

    def stop(self) -> SessionRecord:
        """End the session; its open scenes get their end.

        Raises:
            ConflictError: it has completed or failed.
            BrokerError: Kafka does not take the scenes' ends now. The session stops as soon as it does.
        """
        self._command(Command.STOP, lambda record: record.model_copy(update={"stop_requested": True}))
        self._book.saved()
        if not self._over.wait(PATIENCE_S):
            raise BrokerError(
                f"Kafka does not acknowledge the end of session {self._book.wanted.session_id}'s scenes; "
                "the session sends no more frames, and stops as soon as Kafka answers"
            )
        return self.record

    def obey(self, action: OperatorAction, command: VehicleCommand) -> bool:
        """Have a vehicle do what an operator wants; False where that is old news, or nothing for this session.

        Raises:
            OSError: the journal cannot be written. What was asked holds all the same, until a crash.
        """
        heard = False

        def told(record: SessionRecord) -> SessionRecord:
            nonlocal heard
            vehicle = record.interventions.get(action.vehicle_id) or addressed(action, record.request.scene_ids)
            if vehicle is None or not record.status.is_open or vehicle.scene_id in record.ended:
                return record
            heard = command.sequence > vehicle.sequence
            after = obey(vehicle, deed_of(action.action_type, command), command.sequence)
            if after is vehicle:
                return record
            return record.model_copy(update={"interventions": {**record.interventions, vehicle.vehicle_id: after}})

        self._book.change(told)
        self._book.written()
        return heard

    def suspend(self) -> None:
        """Stop sending without ending anything: the journal says where to go on."""
        self._performer.suspend()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to be done."""
        self._thread.join(timeout_s)

    def _command(self, command: Command, how: Callable[[SessionRecord], SessionRecord]) -> None:
        def change(record: SessionRecord) -> SessionRecord:
            if record.stop_requested and record.status.is_open and command is not Command.STOP:
                advance(record.session_id, SessionStatus.STOPPED, command)
            advance(record.session_id, record.status, command)
            return how(record)

        self._book.change(change)

    def _ended(self) -> None:
        self._on_end(self)
        self._over.set()
