"""All sessions of the service: started, found, and taken up again after a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import structlog

from fleetops.contracts.operations import OperatorAction, VehicleCommand
from fleetops.contracts.vocabulary import Purpose
from fleetops.errors import ConflictError, FleetOpsError, InvalidRequestError, NotFoundError

from .descent import NO_DESCENT, Descent, Moment, review_of, scene_at, sought
from .interventions import Intervention
from .journal import KEPT, SessionRecord
from .office import Office
from .request import ReplayRequest
from .session import Live, Session
from .state import SessionStatus
from .transmission import Route

log = structlog.stdlib.get_logger(__name__)

_JOIN_S = 1.5
"""How long a stopping process waits for its sessions' threads, all together."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as it stands, and what it is doing where it still runs."""

    record: SessionRecord
    live: Live


class Sessions:
    """Open sessions, each with a thread of its own, and the records of ended ones."""

    def __init__(
        self, route: Route, office: Office, default_rate_hz: float, new_id: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        self._route, self._office = route, office
        self._default_rate_hz, self._new_id = default_rate_hz, new_id
        self._lock = threading.RLock()
        self._seeking = threading.Lock()
        self._open: dict[str, Session] = {}
        self._ended: dict[str, SessionRecord] = {}

    def start(self, request: ReplayRequest, key: str | None = None, descent: Descent = NO_DESCENT) -> SessionRecord:
        """Begin a session; it is in the journal when this returns.

        Args:
            key: of the caller's; asked again with it, what was begun the first time is answered.

        Raises:
            UnknownSceneError: the dataset has no such scene or frames.
            ConflictError: the id is that of an open session, or a scene already has a live one.
            InvalidRequestError: the key was used for another request.
        """
        if before := self._begun_with(key, request):
            return before
        spans = self._route.catalog.spans(request.scene_ids, request.frames)
        rate_hz = self._default_rate_hz if request.replay_rate_hz is None else request.replay_rate_hz
        with self._lock:
            if before := self._begun_with(key, request):
                return before
            record = SessionRecord(
                session_id=request.session_id or self._new_id(),
                request=request,
                dataset=self._route.catalog.digest,
                rate_hz=rate_hz,
                started_at=self._office.now(),
                status=descent.status,
                paused_at=self._office.now() if descent.status is SessionStatus.PAUSED else None,
                interventions=descent.interventions,
                parent_session=descent.parent_session,
                origin=descent.origin,
                idempotency_key=key,
            )
            self._check_free(record)
            self._office.save(record).result()
            session = Session(self._route, self._office, record, spans, self._on_end)
            self._ended.pop(record.session_id, None)
            self._open[record.session_id] = session
        log.info(
            "replay_started",
            session_id=record.session_id,
            scenes=len(spans),
            frames=sum(span.end_frame - span.start_frame for span in spans),
            rate_hz=rate_hz,
            mode=request.mode,
            purpose=request.purpose,
        )
        session.start()
        return record

    def seek(self, session_id: str, frame_index: int, scene_id: str | None, key: str | None = None) -> SessionRecord:
        """End a session and begin another like it at `frame_index` of a scene, by default the one it is in.

        Frames once closed are closed for every reader, so no session goes back. A paused one is
        followed by a paused one, which has sent that frame.

        Raises:
            NotFoundError: there is no session of this id.
            UnknownSceneError: the session has no such scene or frame.
            ConflictError: it has ended.
            BrokerError: Kafka does not take its scenes' ends now. It stops as soon as it does; start another then.
        """
        with self._seeking:
            if before := self._sought_with(key, session_id):
                return before
            session = self.session(session_id)
            record, live = session.record, session.live
            origin = record.origin or record.request
            spans = self._route.catalog.spans(origin.scene_ids, origin.frames)
            target = scene_id or scene_at(record.request.scene_ids, {*record.acked, *live.current_frames}, record.ended)
            request = sought(origin, spans, target, frame_index, record.rate_hz)
            session.stop()
            # Interventions end with a live session; in a review they are part of what is shown.
            shown = record.interventions if origin.purpose is Purpose.REVIEW else {}
            descent = Descent(parent_session=session_id, origin=origin, status=record.status, interventions=shown)
            begun = self.start(request, key, descent)
        if record.status is SessionStatus.PAUSED:
            self.session(begun.session_id).step(1)
        log.info("replay_sought", session_id=begun.session_id, parent_session=session_id, frame_index=frame_index)
        return begun

    def review(self, moment: Moment, key: str | None = None) -> SessionRecord:
        """Begin a session that shows a moment again, with what operators had vehicles do in the session it was in.

        Raises:
            UnknownSceneError: the dataset has no such scene or frame.
            NotFoundError: there is no session of this id.
            ConflictError: it replayed another dataset.
            InvalidRequestError: the key was used for another request.
        """
        request = review_of(moment, self._route.catalog.scene(moment.scene_id))
        interventions: dict[str, Intervention] = {}
        if moment.session_id is not None:
            then = self.view(moment.session_id).record
            if then.dataset != self._route.catalog.digest:
                raise ConflictError(f"session {then.session_id} replayed another dataset, {then.dataset}")
            interventions = {one.vehicle_id: one.without_pending() for one in then.interventions.values() if one.begun}
        return self.start(request, key, Descent(parent_session=moment.session_id, interventions=interventions))

    def obey(self, action: OperatorAction, command: VehicleCommand) -> bool:
        """Have a vehicle of the session that `command` names do what an operator wants; False where nothing is to do.

        Raises:
            OSError: the journal cannot be written.
        """
        with self._lock:
            session = self._open.get(command.replay_session_id)
        return session is not None and session.obey(action, command)

    def take_up(self) -> None:
        """Go on with every session that was open when the process before this one ended."""
        for record in self._office.journal.read():
            if not record.status.is_open:
                self._ended[record.session_id] = record
                continue
            try:
                session = self._restored(record)
            except FleetOpsError as error:
                self._give_up(record, str(error))
                continue
            self._open[record.session_id] = session
            log.info("replay_taken_up", session_id=record.session_id, status=record.status, acked=dict(record.acked))
        for session in list(self._open.values()):
            session.start()
        self._prune()

    def suspend(self) -> None:
        """Let every session's thread end; the journal says where each goes on."""
        with self._lock:
            sessions = list(self._open.values())
        for session in sessions:
            session.suspend()
        deadline = self._route.clock() + _JOIN_S
        for session in sessions:
            session.join(max(0.0, deadline - self._route.clock()))

    def session(self, session_id: str) -> Session:
        """The open session of this id.

        Raises:
            NotFoundError: there is no session of this id.
            ConflictError: it has ended.
        """
        with self._lock:
            if session := self._open.get(session_id):
                return session
            if ended := self._ended.get(session_id):
                raise ConflictError(f"session {session_id} is {ended.status}; start a new one")
        raise NotFoundError("session", session_id)

    def stop(self, session_id: str) -> SessionRecord:
        """Stop a session; asked once more, it is stopped already.

        Raises:
            NotFoundError: there is no session of this id.
            ConflictError: it has completed or failed.
            BrokerError: Kafka does not take the ends of its scenes now.
        """
        with self._lock:
            ended = self._ended.get(session_id)
        if ended and ended.status is SessionStatus.STOPPED:
            return ended
        return self.session(session_id).stop()

    def view(self, session_id: str) -> SessionView:
        """A session, open or ended.

        Raises:
            NotFoundError: there is no session of this id.
        """
        with self._lock:
            if session := self._open.get(session_id):
                return SessionView(session.record, session.live)
            if record := self._ended.get(session_id):
                return SessionView(record, Live())
        raise NotFoundError("session", session_id)

    def views(self) -> list[SessionView]:
        """All sessions, newest first."""
        with self._lock:
            views = [SessionView(session.record, session.live) for session in self._open.values()]
            views += [SessionView(record, Live()) for record in self._ended.values()]
        return sorted(views, key=lambda view: (view.record.started_at, view.record.session_id), reverse=True)

    @property
    def open_count(self) -> int:
        """How many sessions are running or paused."""
        with self._lock:
            return sum(session.record.status.is_open for session in self._open.values())

    def live_session_of(self, scene_id: str) -> str | None:
        """The open live session that replays this scene, if any."""
        with self._lock:
            return next((live.session_id for live in self._live_records() if scene_id in live.request.scene_ids), None)

    def _live_records(self) -> list[SessionRecord]:
        records = [session.record for session in self._open.values()]
        return [record for record in records if record.status.is_open and record.request.purpose is Purpose.LIVE]

    def _check_free(self, record: SessionRecord) -> None:
        same = self._open.get(record.session_id)
        if same and same.record.status.is_open:
            raise ConflictError(f"session {record.session_id} is open; stop it, or choose another session_id")
        if record.request.purpose is not Purpose.LIVE:
            return
        for other in self._live_records():
            shared = set(other.request.scene_ids) & set(record.request.scene_ids)
            if shared:
                raise ConflictError(
                    f"{min(shared)} already has a live session, {other.session_id} ({other.status}); "
                    "stop that one, or ask for purpose `review`"
                )

    def _restored(self, record: SessionRecord) -> Session:
        if record.dataset != self._route.catalog.digest:
            raise ConflictError(f"it replayed dataset {record.dataset}, and this is {self._route.catalog.digest}")
        spans = self._route.catalog.spans(record.request.scene_ids, record.request.frames)
        return Session(self._route, self._office, record, spans, self._on_end, restored=True)

    def _begun_with(self, key: str | None, request: ReplayRequest) -> SessionRecord | None:
        """The session that was begun with this key.

        Raises:
            InvalidRequestError: for another request.
        """
        before = self._keyed(key)
        if before is not None and before.request != request:
            raise InvalidRequestError("this Idempotency-Key was used for another request; take a new one")
        return before

    def _sought_with(self, key: str | None, session_id: str) -> SessionRecord | None:
        before = self._keyed(key)
        if before is not None and before.parent_session != session_id:
            raise InvalidRequestError("this Idempotency-Key was used for another request; take a new one")
        return before

    def _keyed(self, key: str | None) -> SessionRecord | None:
        if key is None:
            return None
        with self._lock:
            records = [*(session.record for session in self._open.values()), *self._ended.values()]
        return next((record for record in records if record.idempotency_key == key), None)

    def _give_up(self, record: SessionRecord, reason: str) -> None:
        failed = record.model_copy(
            update={"status": SessionStatus.FAILED, "ended_at": self._office.now(), "reason": reason}
        )
        log.error("replay_failed", session_id=record.session_id, reason=reason)
        self._office.save(failed).result()
        self._ended[record.session_id] = failed

    def _on_end(self, session: Session) -> None:
        record = session.record
        with self._lock:
            # It may have ended for its clients a moment ago, and another may have begun under its id.
            if self._open.get(record.session_id) is session:
                del self._open[record.session_id]
                self._ended[record.session_id] = record
                self._prune()

    def _prune(self) -> None:
        by_age = sorted(self._ended.values(), key=lambda record: record.started_at, reverse=True)
        forgotten = [record.session_id for record in by_age[KEPT:]]
        for session_id in forgotten:
            del self._ended[session_id]
        if forgotten:
            self._office.scribe.submit(self._office.journal.forget, forgotten)
