"""What a request is told when there is no database, and when something else is wrong."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from fleetops.db.engine import create_engine
from fleetops.operator.api.outages import answer_outages
from fleetops.settings import Settings

NOBODY = Settings(database_url=SecretStr("postgresql://nobody:x@127.0.0.1:1/x"))


@pytest.fixture
def client() -> httpx.AsyncClient:
    """An application that needs a database which is not there, and a file which is not there."""
    app = FastAPI()
    answer_outages(app)

    @app.api_route("/database", methods=["GET", "POST"])
    async def database() -> None:
        async with create_engine(NOBODY, "test").connect():
            pytest.fail("connected to nobody")

    @app.get("/file")
    async def file() -> None:
        raise FileNotFoundError("index.html")

    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://here")


async def test_reading_can_be_tried_again(client: httpx.AsyncClient) -> None:
    """Nothing hangs on it."""
    answer = await client.get("/database")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "2"
    assert "Try again" in answer.json()["detail"]


async def test_nobody_claims_to_know_whether_a_change_was_made(client: httpx.AsyncClient) -> None:
    """The connection may have broken behind the commit."""
    detail = (await client.post("/database")).json()["detail"]
    assert "not known whether this was done" in detail
    assert "Idempotency-Key" in detail


async def test_another_error_of_the_operating_system_is_a_bug(client: httpx.AsyncClient) -> None:
    """A missing file is no missing database, and trying again would not help."""
    assert (await client.get("/file")).status_code == 500
