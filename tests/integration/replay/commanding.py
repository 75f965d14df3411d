"""Operators' commands on `operator_actions`, and what vehicles made of them on `raw_telemetry`."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.integration.replay.harness import ReplayService, Sent
from tests.unit.dataset.writer import Agent, Frame, Scene

from fleetops.bus.producer import Producer
from fleetops.contracts.operations import OperatorAction, VehicleCommand
from fleetops.contracts.topics import OPERATOR_ACTIONS, headers
from fleetops.contracts.vocabulary import ActionType, MessageKind
from fleetops.settings import KafkaSettings

PULL_OVER, RESUME = ActionType.PULL_OVER_SIMULATED, ActionType.RESUME_SIMULATION
FRAMES = 300
CAR = "scene_00000_track_1"
"""Drives straight on at 12 m/s and is recorded to the scene's end."""
LEAVES = "scene_00000_track_2"
"""Drives as fast, and is recorded in the first half only."""


def street() -> Scene:
    """Thirty seconds of a street: a car, one that leaves, one that follows far behind, and the ego in between."""
    frames = []
    for frame in range(FRAMES):
        way = 1.2 * frame
        agents = [
            Agent(track_id=1, x=40.0 + way, y=0.0, vx=12.0),
            Agent(track_id=3, x=-60.0 + way, y=3.5, vx=12.0),
        ]
        if frame < FRAMES // 2:
            agents.append(Agent(track_id=2, x=20.0 + way, y=3.5, vx=12.0))
        frames.append(Frame(agents, ego=(way, 0.0, 0.0)))
    return Scene(frames)


def command(
    vehicle_id: str, action: ActionType, sequence: int, session: str, ended: Sequence[ActionType] | None = None
) -> OperatorAction:
    """What operator-service sends when an operator does something to a vehicle."""
    told = VehicleCommand(
        sequence=sequence,
        replay_session_id=session,
        scene_id=vehicle_id.rpartition("_track_")[0],
        ended_interventions=list(ended) if ended is not None else None,
    )
    return OperatorAction(
        action_id=uuid4(),
        alert_id=uuid4(),
        vehicle_id=vehicle_id,
        operator_id="operator_001",
        action_type=action,
        processing_time=datetime.now(UTC),
        metadata={**told.model_dump(mode="json"), "comment": "of the operator's own"},
    )


def send(kafka: KafkaSettings, *actions: OperatorAction | bytes) -> None:
    """Put commands on the topic."""
    producer = Producer(kafka, "test-operator")
    try:
        for action in actions:
            key, value = (
                (b"?", action) if isinstance(action, bytes) else (str(action.action_id).encode(), action.write())
            )
            producer.send(OPERATOR_ACTIONS, value, key=key, headers=headers(MessageKind.ACTION, "operator_actions/1"))
        producer.flush()
    finally:
        producer.close()


def await_heard(service: ReplayService, heard: int, ignored: int | None = None, within_s: float = 60) -> None:
    """Wait until so many commands were heard, and so many ignored where that matters: after a kill some come again."""
    deadline = time.monotonic() + within_s
    while True:
        told = Counter(event["event_type"] for event in service.log())
        if told["command_heard"] == heard and ignored in {None, told["command_ignored"]}:
            return
        assert time.monotonic() < deadline, f"{heard} to be heard and {ignored} to be ignored, not {told}"
        time.sleep(0.02)


def start_still(service: ReplayService, session: str, scene_id: str) -> None:
    """A session that has sent its first frame, and goes on by steps alone: no machine is too slow for that."""
    service.post("start", scene_ids=[scene_id], replay_rate_hz=0.1, session_id=session)
    service.await_that(session, lambda state: state["current_frame"] == 0)
    service.post("pause", session_id=session)


def step_until(service: ReplayService, session: str, vehicle_id: str, action: ActionType) -> int:
    """Step until a vehicle does something; the first frame in which it does."""
    while True:
        state = service.post("step", session_id=session)
        for one in state["interventions"]:
            if one["vehicle_id"] == vehicle_id and one["action"] == action:
                return int(one["from_frame"])
        assert state["status"] == "paused", f"{vehicle_id} does not {action}: {state}"


def track_of(sent: Sent, vehicle_id: str) -> list[Any]:
    """A vehicle's records by frame; one sent again must say the same again."""
    by_frame: dict[int, Any] = {}
    for record in sent.records:
        if record["vehicle_id"] == vehicle_id:
            first = by_frame.setdefault(record["frame_index"], record)
            assert said(first) == said(record)
    return [by_frame[frame] for frame in sorted(by_frame)]


def said(record: Any) -> str:
    """All that a record says of its vehicle: when it was made, and at what rate, does not matter."""
    metadata = {**record["metadata"], "replay_rate": None}
    return json.dumps({**record, "metadata": metadata, "processing_time": None}, sort_keys=True)


def speeds(track: list[Any]) -> dict[int, float]:
    """By frame, m/s."""
    return {record["frame_index"]: record["telemetry"]["velocity"]["magnitude"] for record in track}
