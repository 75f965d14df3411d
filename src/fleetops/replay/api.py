"""The HTTP interface of replay-service. Routes block, so the framework runs each in a thread of its pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Response
from pydantic import JsonValue, SecretStr
from starlette.types import Lifespan

from fleetops import __version__
from fleetops.auth.service_token import require_service_token
from fleetops.dataset.companions import has_lanes, lanes_of
from fleetops.errors import InvalidRequestError
from fleetops.web import create_app, problems

from .catalog import Catalog
from .descent import Moment
from .metrics import CONTENT_TYPE, ReplayMetrics
from .request import ReplayRequest, SessionId
from .schemas import (
    Health,
    RateChange,
    Scene,
    SceneList,
    Seek,
    SessionList,
    SessionRef,
    SessionState,
    Started,
    Step,
    Stopped,
)
from .sessions import Sessions

GEOJSON = "application/geo+json"
"""RFC 7946, section 12."""

Cursor = Annotated[str | None, Query(description="`next` of the page before", max_length=20)]
KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="makes a repeated POST one action; any string, kept as long as the session's record",
    ),
]
Limit = Annotated[int, Query(ge=1, le=1000)]


def build(
    catalog: Catalog,
    sessions: Sessions,
    metrics: ReplayMetrics,
    token: SecretStr,
    *,
    kafka_answers: Callable[[], bool],
    ready: Callable[[], bool],
    lifespan: Lifespan[FastAPI] | None = None,
) -> FastAPI:
    """The application; every route but the probes needs `token`."""
    app = create_app("FleetOps replay-service", __version__, lifespan=lifespan, ready=ready)
    guarded = APIRouter(dependencies=[Depends(require_service_token(token))], responses=problems(401))
    guarded.include_router(_control(sessions))
    guarded.include_router(_reading(catalog, sessions))
    guarded.include_router(_service(catalog, sessions, metrics, kafka_answers))

    @guarded.get("/openapi.json", include_in_schema=False)
    def openapi_document() -> dict[str, JsonValue]:
        return app.openapi()

    app.include_router(guarded)
    return app


def _control(sessions: Sessions) -> APIRouter:
    router = APIRouter(prefix="/replay", tags=["replay"])
    answers = problems(404, 409, 422)

    @router.post("/start", responses=answers)
    def start_replay(request: ReplayRequest, key: KeyHeader = None) -> Started:
        """Replay scenes as a live fleet. An id whose session has ended may be used again: it makes the same ids."""
        return Started(session_id=sessions.start(request, key).session_id)

    @router.post("/review", responses=answers)
    def review_moment(moment: Moment, key: KeyHeader = None) -> SessionState:
        """Show a moment again, from 5 s before it, in a session that opens no alerts and leaves live ones alone.

        The 25 s before that are sent at once, so that detection finds what it found then.
        """
        return SessionState.of(sessions.view(sessions.review(moment, key).session_id))

    @router.post("/stop", responses=problems(404, 409, 422, 503))
    def stop_replay(which: SessionRef) -> Stopped:
        """End a session; scenes that have begun are ended on Kafka, too."""
        return Stopped(session_id=sessions.stop(which.session_id).session_id)

    @router.post("/pause", responses=answers)
    def pause_replay(which: SessionRef) -> SessionState:
        """Hold a session. Nothing times out meanwhile, but one paused for too long is ended."""
        sessions.session(which.session_id).pause()
        return SessionState.of(sessions.view(which.session_id))

    @router.post("/resume", responses=answers)
    def resume_replay(which: SessionRef) -> SessionState:
        """Go on after a pause."""
        sessions.session(which.session_id).resume()
        return SessionState.of(sessions.view(which.session_id))

    @router.post("/rate", responses=answers)
    def change_replay_rate(change: RateChange) -> SessionState:
        """Go on at another rate."""
        sessions.session(change.session_id).change_rate(change.replay_rate_hz)
        return SessionState.of(sessions.view(change.session_id))

    @router.post("/step", responses=answers)
    def step_replay(step: Step) -> SessionState:
        """Send the next frames of a paused session; it stays paused."""
        sessions.session(step.session_id).step(step.frames)
        return SessionState.of(sessions.view(step.session_id))

    @router.post("/seek", responses=problems(404, 409, 422, 503))
    def seek_in_replay(seek: Seek, key: KeyHeader = None) -> SessionState:
        """End a session and begin another at this frame; the answer is the new one, paused if the old one was."""
        begun = sessions.seek(seek.session_id, seek.frame_index, seek.scene_id, key)
        return SessionState.of(sessions.view(begun.session_id))

    return router


def _reading(catalog: Catalog, sessions: Sessions) -> APIRouter:
    router = APIRouter(prefix="/replay", tags=["replay"])

    @router.get("/status/{session_id}", responses=problems(404, 422))
    def replay_status(session_id: Annotated[SessionId, Path()]) -> SessionState:
        """A session as it stands."""
        return SessionState.of(sessions.view(session_id))

    @router.get("/sessions", responses=problems(422))
    def replay_sessions(limit: Limit = 100, cursor: Cursor = None) -> SessionList:
        """Sessions, newest first; ended ones are kept for a while."""
        views = sessions.views()
        start, following = _page(len(views), limit, cursor)
        return SessionList(sessions=[SessionState.of(view) for view in views[start : start + limit]], next=following)

    @router.get("/scenes", responses=problems(422))
    def replay_scenes(limit: Limit = 100, cursor: Cursor = None) -> SceneList:
        """The scenes that can be replayed."""
        start, following = _page(len(catalog.scenes), limit, cursor)
        page = catalog.scenes[start : start + limit]
        return SceneList(
            scenes=[Scene.of(scene, sessions.live_session_of(scene.scene_id)) for scene in page],
            next=following,
            has_map=has_lanes(catalog.dataset.path),
        )

    @router.get("/map", response_class=Response, responses=problems(404, 422) | {200: {"content": {GEOJSON: {}}}})
    def replay_map() -> Response:
        """The road surface of the dataset's scenes, as GeoJSON: polygons of lanes and of junctions."""
        return Response(lanes_of(catalog.dataset.path), media_type=GEOJSON)

    return router


def _service(
    catalog: Catalog, sessions: Sessions, metrics: ReplayMetrics, kafka_answers: Callable[[], bool]
) -> APIRouter:
    router = APIRouter(tags=["service"])

    @router.get("/health")
    def health() -> Health:
        """How the service is."""
        connected = kafka_answers()
        return Health(
            status="healthy" if connected else "degraded",
            kafka_connected=connected,
            version=__version__,
            dataset=catalog.digest,
            scenes=len(catalog.scenes),
            sessions_open=sessions.open_count,
        )

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def prometheus_metrics() -> Response:
        """Counters in Prometheus' text format."""
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return router


def _page(count: int, limit: int, cursor: str | None) -> tuple[int, str | None]:
    """Where a page begins, and the cursor of the one after it."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
        raise InvalidRequestError("the cursor is not one that this service gave; start without it")
    start = int(cursor or 0)
    return start, str(start + limit) if start + limit < count else None
