"""`GET /replay/map`: the roads under the fleet."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from tests.unit.dataset.writer import Frame, Scene, write_dataset

from fleetops.replay.api import build
from fleetops.replay.catalog import Catalog
from fleetops.replay.metrics import ReplayMetrics
from fleetops.replay.sessions import Sessions
from fleetops.settings import ReplaySettings

TOKEN = "t" * 40


class NoSessions:
    """Nothing is replayed."""

    def live_session_of(self, scene_id: str) -> None:
        """None of any scene."""


def service(settings: ReplaySettings) -> FastAPI:
    """replay-service's interface over a dataset, with nothing behind it."""
    return build(
        Catalog.open(settings),
        cast("Sessions", NoSessions()),
        ReplayMetrics(),
        SecretStr(TOKEN),
        kafka_answers=lambda: True,
        ready=lambda: True,
    )


async def ask(app: FastAPI, path: str, token: str = TOKEN) -> httpx.Response:
    """One request."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://replay") as client:
        return await client.get(path, headers={"authorization": f"Bearer {token}"})


async def test_without_a_dataset_the_golden_scenes_and_their_roads_are_served() -> None:
    """The default dataset: three scenes by name, and a GeoJSON document of lanes and junctions."""
    app = service(ReplaySettings())
    scenes = (await ask(app, "/replay/scenes")).json()
    assert [scene["scene_id"] for scene in scenes["scenes"]] == ["scene_001", "scene_002", "scene_003"]
    assert scenes["has_map"] is True
    roads = await ask(app, "/replay/map")
    assert roads.headers["content-type"] == "application/geo+json"
    assert {feature["geometry"]["type"] for feature in roads.json()["features"]} == {"Polygon"}


async def test_a_dataset_without_roads_says_so(tmp_path: Path) -> None:
    """404 as a problem that names what is missing."""
    app = service(ReplaySettings(dataset=write_dataset(tmp_path / "set.zarr", [Scene([Frame()])])))
    assert (await ask(app, "/replay/scenes")).json()["has_map"] is False
    refused = await ask(app, "/replay/map")
    assert refused.status_code == 404
    assert refused.headers["content-type"] == "application/problem+json"
    assert "comes without lanes" in refused.json()["detail"]


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_nobody_sees_the_map_without_the_token(token: str) -> None:
    """As every other route."""
    assert (await ask(service(ReplaySettings()), "/replay/map", token)).status_code == 401
