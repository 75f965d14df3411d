"""When vehicles begin what operators want of them: the journal knows the frame before the frame is sent."""

from __future__ import annotations

from typing import Protocol

import structlog

from .book import Book
from .interventions import Intervention
from .journal import SessionRecord
from .metrics import ReplayMetrics
from .reservation import Reservation
from .timeline import Step, Tick

log = structlog.stdlib.get_logger(__name__)


class Actors(Protocol):
    """Who can have vehicles do something: a transmission."""

    def begin(self, step: Step, pending: list[Intervention]) -> list[Intervention]:
        """Those of `pending` that can begin with this frame, begun."""

    def play(self, begun: list[Intervention]) -> None:
        """Have vehicles do what `begin` said they can."""


class Cues:
    """Gives vehicles their cues. For the session's thread."""

    def __init__(self, book: Book, reservation: Reservation, metrics: ReplayMetrics) -> None:
        self._book, self._reservation, self._metrics = book, reservation, metrics
        self._log = log.bind(session_id=book.wanted.session_id)

    def give(self, out: Actors, tick: Tick, rate_hz: float) -> None:
        """Let what is pending begin with the frames of `tick`, as far as it can.

        Where the journal cannot be written nothing begins; the next frame is another chance.
        """
        for step in tick:
            if (pending := self._book.wanted.pending_in(step.span.scene_id)) and self._reservation.may_begin(
                step, rate_hz
            ):
                self._begin(out, out.begin(step, pending), pending)

    def _begin(self, out: Actors, begun: list[Intervention], pending: list[Intervention]) -> None:
        if not begun:
            return
        before = {one.vehicle_id: one for one in pending}
        record = self._book.change(lambda record: _replaced(record, before, {one.vehicle_id: one for one in begun}))
        # A command that came meanwhile may have cancelled what was about to begin.
        entered = [one for one in begun if record.interventions[one.vehicle_id] is one]
        if not entered:
            return
        try:
            self._book.written()
        except OSError as error:
            self._log.error("journal_failed", error=str(error))
            self._book.change(lambda record: _replaced(record, {one.vehicle_id: one for one in entered}, before))
            return
        out.play(entered)
        for one in entered:
            self._metrics.manoeuvres.labels(one.begun[-1].action).inc()
            self._log.info(
                "intervention_begun",
                vehicle_id=one.vehicle_id,
                action=one.begun[-1].action,
                frame_index=one.begun[-1].from_frame,
            )


def _replaced(
    record: SessionRecord, expected: dict[str, Intervention], wanted: dict[str, Intervention]
) -> SessionRecord:
    """`record` with what is `wanted` of those vehicles of which it still holds what is `expected`."""
    held = {
        vehicle_id: wanted[vehicle_id] if vehicle_id in wanted and expected.get(vehicle_id) is known else known
        for vehicle_id, known in record.interventions.items()
    }
    return record.model_copy(update={"interventions": held})
