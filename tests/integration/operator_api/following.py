"""A console that folds what it is told into one state, says that state's hash, and comes back after a break."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Fact = Mapping[str, object]
_SHOWN_OF_A_VEHICLE = ("current_state", "replay_session_id", "intervention", "allowed_actions")
"""What the outbox tells of a vehicle; where it is comes with the positions, and those have no order."""


def state_hash(alerts: Mapping[str, Fact], vehicles: Mapping[str, Fact]) -> str:
    """One hash over the alerts that are not resolved and the vehicles that are not NORMAL."""
    state = {
        "alerts": {key: dict(alert) for key, alert in alerts.items() if alert["alert_status"] != "RESOLVED"},
        "vehicles": {
            key: {name: vehicle[name] for name in _SHOWN_OF_A_VEHICLE}
            for key, vehicle in vehicles.items()
            if vehicle["current_state"] != "NORMAL"
        },
    }
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


@dataclass
class Follower:
    """One console. Give it a replica's address, or a balancer's."""

    url: str
    token: str
    seq: int | None = None
    snapshots: int = 0
    breaks: int = 0
    seqs: list[int] = field(default_factory=list)
    """Of every event that came, in the order in which they came."""
    hashes: dict[int, str] = field(default_factory=dict)
    """The state's hash after each of them, and after the snapshot."""
    alerts: dict[str, Fact] = field(default_factory=dict)
    vehicles: dict[str, Fact] = field(default_factory=dict)

    async def follow(self) -> None:
        """Listen for ever; after a break go on from the last event, wherever the next connection leads."""
        while True:
            since = "" if self.seq is None else f"?since={self.seq}"
            try:
                async with connect(
                    f"{self.url.replace('http', 'ws')}/ws{since}",
                    additional_headers={"Authorization": f"Bearer {self.token}"},
                    max_size=None,
                    compression=None,
                ) as connection:
                    async for text in connection:
                        self.hear(cast("dict[str, object]", json.loads(text)))
            except (OSError, ConnectionClosed, InvalidHandshake):
                pass
            self.breaks += 1
            await asyncio.sleep(0.1)

    def hear(self, event: Fact) -> None:
        """Take in one event; a snapshot replaces all there was."""
        if "seq" not in event:
            return
        self.seq = cast("int", event["seq"])
        if event["type"] == "snapshot":
            self.snapshots += 1
            alerts, vehicles = cast("list[Fact]", event["alerts"]), cast("list[Fact]", event["vehicles"])
            self.alerts = {str(alert["alert_id"]): alert for alert in alerts}
            self.vehicles = {str(vehicle["vehicle_id"]): vehicle for vehicle in vehicles}
        else:
            self.seqs.append(self.seq)
            self._apply(event)
        self.hashes[self.seq] = state_hash(self.alerts, self.vehicles)

    def _apply(self, event: Fact) -> None:
        if isinstance(alert := event.get("alert"), dict):
            before = self.alerts.get(alert["alert_id"])
            if before is None or alert["version"] > before["version"]:
                self.alerts[alert["alert_id"]] = alert
        if isinstance(vehicle := event.get("vehicle"), dict):
            self.vehicles[vehicle["vehicle_id"]] = vehicle
