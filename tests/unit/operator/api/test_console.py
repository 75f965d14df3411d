"""The console's files: cached for ever where their name says what is in them, and one page for every address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from fleetops.operator.api.console import serve_console

PAGE = {"Accept": "text/html,*/*"}


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client that needs no server."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console")


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with a small console."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<h1>console</h1>")
    (tmp_path / "assets" / "app-a1b2c3.js").write_text("hello()")
    app = FastAPI()

    @app.get("/alerts")
    def alerts() -> list[str]:
        return ["an alert"]

    serve_console(app, tmp_path)
    async with client_of(app) as client:
        yield client


async def test_hashed_files_are_kept_for_ever_and_the_page_is_asked_again(browser: httpx.AsyncClient) -> None:
    """A new build is seen at the next load, and nothing else is fetched twice."""
    assert (await browser.get("/assets/app-a1b2c3.js")).headers[
        "cache-control"
    ] == "public, max-age=31536000, immutable"
    assert (await browser.get("/")).headers["cache-control"] == "no-cache"


async def test_any_address_a_person_opens_is_the_console(browser: httpx.AsyncClient) -> None:
    """A bookmark into the console must work."""
    assert (await browser.get("/history/today", headers=PAGE)).text == "<h1>console</h1>"


@pytest.mark.parametrize("path", ["/assets/app-old.js", "/favicon.ico", "/api/nothing"])
async def test_what_is_not_there_is_not_there(browser: httpx.AsyncClient, path: str) -> None:
    """A script that is gone must be a 404, not a page that the browser cannot parse; programs get no page either."""
    answer = await browser.get(path, headers=PAGE if "." in path else {"Accept": "application/json"})
    assert answer.status_code == 404


async def test_routes_come_before_the_console(browser: httpx.AsyncClient) -> None:
    """The REST interface keeps its addresses."""
    assert (await browser.get("/alerts", headers=PAGE)).json() == ["an alert"]


async def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    """A fresh clone gets a hint, not a 404."""
    app = FastAPI()
    serve_console(app, tmp_path)
    async with client_of(app) as client:
        answer = await client.get("/")
    assert answer.status_code == 503
    assert "npm --prefix ui run build" in answer.text
