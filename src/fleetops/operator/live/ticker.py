"""The beat of the map: what moved is shown as soon as it is known, but at most ten times a second."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from .fleet import LiveFleet
from .hub import Hub
from .moment import Moment

PERIOD_S: Final = 0.1
_SETTLE_S: Final = 0.01  # a frame's records come in several batches; wait for the rest rather than show half
_SLACK_S: Final = 0.05  # frames at 10 Hz jitter; an early one need not wait a whole period
_HEARTBEAT_S: Final = 1.0
_SWEEP_S: Final = 0.5


class Ticker:
    """Shows the fleet to the hub's consoles."""

    def __init__(self, fleet: LiveFleet, hub: Hub) -> None:
        self._fleet, self._hub = fleet, hub
        self._news = asyncio.Event()
        self._scenes_told: list[tuple[str, str, float | None, float]] = []
        self._progress_at = 0.0

    def wake(self) -> None:
        """Something was applied to the fleet. On the event loop's thread."""
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; without news once a second."""
        due = sweep_at = time.monotonic()
        while not stop.is_set():
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), min(_HEARTBEAT_S, _SWEEP_S))
                await asyncio.sleep(max(_SETTLE_S, due - time.monotonic()))
            except TimeoutError:
                pass
            now = time.monotonic()
            if now >= sweep_at:
                self._fleet.sweep(now)
                sweep_at = now + _SWEEP_S
            if self._fleet.moved or now - due >= _HEARTBEAT_S - PERIOD_S:
                self._show()
                due = max(due + PERIOD_S, now + PERIOD_S - _SLACK_S)

    def _show(self) -> None:
        moves = self._fleet.take_moves()
        if not self._hub.consoles:
            return
        now = time.monotonic()
        states = [
            (scene.scene_id, scene.session, scene.ended_s, scene.rate_hz) for scene in self._fleet.scenes.values()
        ]
        progress_due = states != self._scenes_told or now - self._progress_at >= _HEARTBEAT_S
        if progress_due:
            self._scenes_told, self._progress_at = states, now
        self._hub.show(Moment(self._fleet, moves, time.time_ns() // 1_000_000, with_progress=progress_due))
