"""The HTTP application of operator-service, put together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from pydantic import JsonValue
from starlette.types import Lifespan

from fleetops import __version__
from fleetops.operator.live.events import LiveEvent
from fleetops.operator.origin import Origins
from fleetops.web import create_app, problems

from . import (
    alerts,
    audit,
    bulk,
    forward,
    groups,
    health,
    history,
    kpis,
    oidc,
    operators,
    people,
    signins,
    silences,
    socket,
    tokens,
    vehicles,
    webhooks,
)
from .conflicts import answer_conflicts
from .console import STATIC, serve_console
from .headers import SecurityHeaders
from .outages import answer_outages


def build(
    *,
    lifespan: Lifespan[FastAPI] | None = None,
    ready: Callable[[], bool] = lambda: False,
    mapbox: bool = False,
    https: bool = False,
    static: Path = STATIC,
) -> FastAPI:
    """The application. `lifespan` puts a Runtime into `app.state.runtime`; `static` holds the built console.

    `mapbox`: maps may be loaded from there. `https`: browsers come encrypted, and shall never come otherwise.
    """
    app = create_app("FleetOps operator-service", __version__, lifespan=lifespan, ready=ready)
    answer_conflicts(app)
    answer_outages(app)
    app.add_middleware(SecurityHeaders, mapbox=mapbox, https=https)
    app.add_middleware(Origins)
    # Before alerts: neither `groups` nor `export` is an alert's id.
    for room in (
        groups,
        history,
        alerts,
        bulk,
        silences,
        webhooks,
        audit,
        kpis,
        vehicles,
        people,
        oidc,
        signins,
        operators,
        tokens,
        health,
    ):
        app.include_router(room.router, responses=problems(503))
    for room in (forward, socket):
        app.include_router(room.router)

    @app.webhooks.get("ws")  # as an answer, so that its schemas are the very ones that REST answers with
    def ws() -> LiveEvent:
        """Any message that the server sends on the WebSocket `/ws` (ask with `?since=SEQ` to resume)."""
        raise NotImplementedError

    serve_console(app, static)
    return app


def describe() -> dict[str, JsonValue]:
    """The OpenAPI document of the application."""
    return build().openapi()
