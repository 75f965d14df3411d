"""A session that an earlier run left open may end by itself just when it is to be ended."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from rich.console import Console

from fleetops.embedded import demo
from fleetops.embedded.replay_client import ReplayUnreachableError
from fleetops.embedded.screen import Lines
from fleetops.embedded.stop import StopRequest
from fleetops.errors import FleetOpsError
from fleetops.settings import Settings


class Replay:
    """replay-service as far as a left-over session goes: how it answers each stop, and what holds after the last."""

    def __init__(self, stops: list[int], status_in_the_end: str) -> None:
        self._stops, self._end = stops, status_in_the_end
        self.stops_asked = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        if request.url.path == "/replay/stop":
            self.stops_asked += 1
            return httpx.Response(self._stops.pop(0), json={})
        return httpx.Response(
            200, json={"session_id": "session_old", "status": "running" if self._stops else self._end}
        )


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[demo.Demo]:
    """A demo of which nothing was started, patient for a short time only."""
    monkeypatch.setattr(demo, "LOOK_INTERVAL_S", 0.0)
    settings = Settings(data_dir=tmp_path, service_token=SecretStr("x" * 40))
    options = demo.DemoOptions(session_id="session_new", scenes=1, open_browser=False, exit_when_done=True)
    it = demo.Demo(settings, options, StopRequest(), Lines(Console(file=io.StringIO())))
    yield it
    it.close()


def _talk_to(replay: Replay, running: demo.Demo) -> None:
    running._replay.close()
    running._replay._http = httpx.Client(transport=httpx.MockTransport(replay.answer), base_url="http://replay")


@pytest.mark.parametrize("stops", [[200], [409], [503], [503, 503, 200], [503, 409]])
def test_a_session_that_is_closed_in_the_end_is_no_reason_to_give_up(running: demo.Demo, stops: list[int]) -> None:
    """Completed meanwhile, or ended once Kafka took the ends of its scenes: the demo goes on."""
    replay, asked = Replay(stops, "completed"), len(stops)
    _talk_to(replay, running)
    running._end("session_old")
    assert replay.stops_asked == asked


def test_a_session_that_stays_open_is_told(running: demo.Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal that leaves it running is an error at once; a slow Kafka is one after some time."""
    _talk_to(Replay([409], "running"), running)
    with pytest.raises(FleetOpsError, match="refused"):
        running._end("session_old")
    monkeypatch.setattr(demo, "END_TIMEOUT_S", -1.0)
    _talk_to(Replay([503], "running"), running)
    with pytest.raises(ReplayUnreachableError):
        running._end("session_old")
