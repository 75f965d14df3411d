"""Signing in by link, who one is, and signing out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse

from .schemas import ConsoleConfig, Me

router = APIRouter(tags=["session"])


@router.get("/auth/link", status_code=303, response_class=RedirectResponse)
async def use_login_link(token: Annotated[str, Query(min_length=1, max_length=200)]) -> RedirectResponse:
    """Turn a one-time login link into a session cookie, and go on to the console."""
    raise NotImplementedError


@router.get("/auth/me")
async def me() -> Me:
    """Who the caller is."""
    raise NotImplementedError


@router.post("/auth/logout", status_code=204)
async def logout() -> None:
    """End this session and every socket that it opened."""
    raise NotImplementedError


@router.get("/config.json")
async def console_config() -> ConsoleConfig:
    """What the console needs to know before it draws."""
    raise NotImplementedError
