"""The HTTP application of operator-service, put together."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import JsonValue

from fleetops import __version__
from fleetops.operator.live.events import LiveEvent

from . import alerts, health, people, vehicles


def build() -> FastAPI:
    """The application."""
    app = FastAPI(
        title="FleetOps operator-service",
        version=__version__,
        generate_unique_id_function=lambda route: route.name,
    )
    for room in (alerts, vehicles, people, health):
        app.include_router(room.router)

    @app.webhooks.get("ws")  # as an answer, so that its schemas are the very ones that REST answers with
    def ws() -> LiveEvent:
        """Any message that the server sends on the WebSocket `/ws` (ask with `?since=SEQ` to resume)."""
        raise NotImplementedError

    return app


def describe() -> dict[str, JsonValue]:
    """The OpenAPI document of the application."""
    return build().openapi()
