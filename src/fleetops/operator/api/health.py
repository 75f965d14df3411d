"""How the service is, for people and programs that may know."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import JsonValue
from sqlalchemy import text

from fleetops import __version__
from fleetops.db.failures import unavailable
from fleetops.web import problems

from .callers import InRuntime, Viewer
from .schemas import Health

router = APIRouter(tags=["health"])


@router.get("/health", responses=problems(401))
async def health(_: Viewer, runtime: InRuntime) -> Health:
    """Whether operator-service can do its work, and how busy it is."""
    try:
        async with runtime.sessions() as db:
            await db.execute(text("SELECT 1"))
        database = True
    except Exception as error:
        if not unavailable(error):
            raise
        database = False
    kafka = runtime.kafka_connected()
    return Health(
        status="healthy" if database and kafka else "degraded",
        kafka_connected=kafka,
        database_connected=database,
        version=__version__,
        websocket_clients=len(runtime.hub.consoles),
        vehicles_tracked=len(runtime.fleet.tracks),
        last_seq=runtime.hub.last_seq,
    )


@router.get("/openapi.json", include_in_schema=False)
async def openapi(_: Viewer, request: Request) -> dict[str, JsonValue]:
    """The OpenAPI document of this service."""
    document: dict[str, JsonValue] = request.app.openapi()
    return document
