"""How the service is, for people and programs that may know."""

from __future__ import annotations

from fastapi import APIRouter

from .schemas import Health

router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> Health:
    """Whether operator-service can do its work, and how busy it is."""
    raise NotImplementedError
