"""The console's socket: one truth at the start, then everything once and in order, for fast and slow alike."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest
from tests.integration.operator.stories import anomaly
from tests.unit.operator.live.records import telemetry
from websockets.exceptions import InvalidStatus

from fleetops.auth.roles import Role
from fleetops.bus.producer import Producer
from fleetops.contracts import ids, topics
from fleetops.contracts.telemetry import FrameMarker
from fleetops.contracts.vocabulary import Severity
from fleetops.contracts.wire import format_epoch_ms
from fleetops.operator.live.events import LiveEvent, ScenesProgressed, VehiclesNamed
from fleetops.settings import KafkaSettings

from .running import Event, OperatorService, Socket, detect, send

SCRIPT = Path(__file__).parents[3] / "docs" / "examples" / "watch_positions.py"
Alert = Mapping[str, object]
Alerts = dict[str, Alert]


def new_vehicle() -> str:
    """A vehicle that nobody has seen before."""
    return ids.vehicle_id("scene_001", uuid4().int % 1_000_000)


def alerts_of(events: list[Event]) -> Alerts:
    """Each alert after these events, as a console would hold it: the newest version wins."""
    held: Alerts = {}
    for event in events:
        told = [event["alert"]] if "alert" in event else event["alerts"] if event["type"] == "snapshot" else []
        for alert in cast("list[Alert]", told):
            before = held.get(str(alert["alert_id"]))
            if before is None or cast("int", alert["version"]) > cast("int", before["version"]):
                held[str(alert["alert_id"])] = alert
    return held


async def watch(service: OperatorService, until_vehicle: str, delay_s: float) -> list[Event]:
    """A console that joins after `delay_s` and reads until an alert of `until_vehicle` is opened."""
    await asyncio.sleep(delay_s)
    async with service.socket() as socket:
        events = [await socket.next()]
        while not _opens_alert_of(events[-1], until_vehicle):
            event = await socket.next()
            if "seq" in event:
                events.append(event)
    return events


def _opens_alert_of(event: Event, vehicle: str) -> bool:
    return event["type"] == "alert_created" and cast("Alert", event["alert"])["vehicle_id"] == vehicle


async def test_a_story_arrives_event_by_event(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """Alert, vehicle, action: each with the next seq, each as the union declares it."""
    vehicle = new_vehicle()
    async with service.socket() as socket:
        snapshot = await socket.next()
        assert snapshot["type"] == "snapshot"
        LiveEvent.model_validate(snapshot)
        began = cast("int", snapshot["seq"])
        await asyncio.to_thread(detect, embedded_kafka, anomaly(vehicle=vehicle, severity=Severity.CRITICAL))
        events = await socket.numbered(began + 2)
        program = await asyncio.to_thread(service.as_program, Role.OPERATOR)
        alert_id = next(iter(alerts_of(events)))
        await asyncio.to_thread(program.post, f"/alerts/{alert_id}/acknowledge", json={})
        events += await socket.numbered(began + 4)
    assert [event["seq"] for event in events] == [began + 1, began + 2, began + 3, began + 4]
    assert sorted(str(event["type"]) for event in events[:2]) == ["alert_created", "vehicle_updated"]
    assert sorted(str(event["type"]) for event in events[2:]) == ["action_executed", "alert_updated"]
    for event in events:
        LiveEvent.model_validate(event)
    changed = cast("dict[str, object]", next(e for e in events if e["type"] == "vehicle_updated")["vehicle"])
    assert (changed["vehicle_id"], changed["current_state"]) == (vehicle, "ALERTING")
    [alert] = alerts_of(events).values()
    assert (alert["alert_id"], alert["version"], alert["alert_status"]) == (alert_id, 2, "ACKNOWLEDGED")


async def test_snapshot_and_events_leave_no_gap_under_fire(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """Consoles that join while alerts pour in all end with the same alerts, whenever they came."""
    last = new_vehicle()
    consoles = [asyncio.create_task(watch(service, last, 0.2 * number)) for number in range(8)]
    for _ in range(15):
        wave = [anomaly(vehicle=new_vehicle()) for _ in range(10)]
        await asyncio.to_thread(detect, embedded_kafka, *wave)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(detect, embedded_kafka, anomaly(vehicle=last))
    seen = await asyncio.wait_for(asyncio.gather(*consoles), 60)  # a lost event would be waited for for ever
    program = await asyncio.to_thread(service.as_program, Role.VIEWER)
    listed = (await asyncio.to_thread(program.get, "/alerts?limit=500&status=OPEN&status=ACKNOWLEDGED")).json()
    truth = {alert["alert_id"]: alert for alert in listed["alerts"]}
    assert len(truth) >= 151
    for events in seen:
        seqs = [cast("int", event["seq"]) for event in events]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert alerts_of(events) == truth
    assert len({events[0]["seq"] for events in seen}) > 1  # else nobody joined in the middle


async def test_whoever_comes_back_gets_what_was_missed(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """`?since=` brings the events after it, none twice, and then where everything is now."""
    async with service.socket() as socket:
        seq = cast("int", (await socket.next())["seq"])
    await asyncio.to_thread(detect, embedded_kafka, *(anomaly(vehicle=new_vehicle()) for _ in range(3)))
    async with service.socket() as other:
        first = await other.until("snapshot")
        if first["seq"] != seq + 6:
            await other.numbered(seq + 6)
    async with service.socket(since=seq) as socket:
        events = [await socket.next() for _ in range(7)]
    assert [event.get("seq") for event in events] == [*range(seq + 1, seq + 7), None]
    assert (events[6]["type"], events[6]["full"]) == ("vehicles_moved", True)
    async with service.socket(since=seq + 6) as socket:
        assert (await socket.next())["type"] == "vehicles_moved"


@pytest.mark.parametrize("since", [10_000_000, 10**30, 0])
async def test_whoever_was_away_too_long_begins_anew(service: OperatorService, since: int) -> None:
    """A seq that the table does not reach, or that another database gave, is answered by a snapshot."""
    if since == 0:
        await asyncio.to_thread(service.sql, "DELETE FROM outbox WHERE seq <= 2")
    async with service.socket(since=since) as socket:
        assert (await socket.next())["type"] == "snapshot"


@pytest.mark.parametrize("since", ["-1", "soon"])
async def test_a_senseless_since_is_no_crash(service: OperatorService, since: str) -> None:
    """The handshake is refused; it is no internal error."""
    with pytest.raises(InvalidStatus) as refused:
        async with service.socket(since=cast("int", since)):
            pass
    assert refused.value.response.status_code in {403, 422}


async def test_vehicles_move_once_a_tick_and_tell_their_delay(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """Three seconds at 50 Hz are far fewer pictures than frames; the newest wins; the delay can be read off."""
    scene = f"scene_{uuid4().hex[:6]}"
    vehicle = ids.vehicle_id(scene, 7)
    async with service.socket() as socket:
        await socket.next()
        sending = asyncio.create_task(asyncio.to_thread(_drive, embedded_kafka, vehicle, scene, frames=150, hz=50.0))
        pictures: list[dict[str, dict[str, list[object]]]] = []
        while not pictures or pictures[-1]["positions"]["frame_index"] != [149]:
            event = cast("dict[str, dict[str, list[object]]]", await socket.until("vehicles_moved"))
            if event["positions"]["vehicle_id"]:
                pictures.append(event)
        await sending
    assert 3 <= len(pictures) <= 75
    frames = [cast("int", picture["positions"]["frame_index"][0]) for picture in pictures]
    assert frames == sorted(set(frames))
    for picture in pictures:
        LiveEvent.model_validate(picture)
        assert picture["positions"]["vehicle_id"] == [vehicle]
    newest = pictures[-1]
    delay = datetime.fromisoformat(str(newest["server_time"])) - datetime.fromisoformat(str(newest["emitted_at"]))
    assert -0.001 <= delay.total_seconds() < 30
    [progress] = [p for p in cast("list[dict[str, object]]", newest["scenes"]) if p["scene_id"] == scene]
    assert (progress["frame_index"], progress["replay_session_id"]) == (149, "s1")


async def test_a_quiet_fleet_still_beats(service: OperatorService) -> None:
    """Without news there is a message a second, so that silence means a broken connection."""
    async with service.socket() as socket:
        await socket.next()
        for _ in range(3):
            await socket.until("vehicles_moved", within_s=5)


async def test_a_scene_that_ends_clears_the_map(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """The snapshot of who comes later shows the vehicle until it went, and everyone is told when it goes."""
    scene = f"scene_{uuid4().hex[:6]}"
    vehicle = ids.vehicle_id(scene, 7)
    await asyncio.to_thread(_drive, embedded_kafka, vehicle, scene, frames=2, hz=50.0)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(send, embedded_kafka, topics.RAW_TELEMETRY, [(None, _scene_end(scene))])
    async with service.socket() as socket:
        snapshot = cast("dict[str, dict[str, list[object]]]", await socket.next())
        assert vehicle in snapshot["positions"]["vehicle_id"]
        gone: list[object] = []
        while vehicle not in gone:
            gone += cast("list[object]", (await socket.until("vehicles_moved", within_s=20))["gone"])
    async with service.socket() as socket:
        snapshot = cast("dict[str, dict[str, list[object]]]", await socket.next())
        assert vehicle not in snapshot["positions"]["vehicle_id"]


async def test_a_slow_console_is_told_to_resync_and_slows_nobody(service: OperatorService) -> None:
    """One that does not read is let go with 4429 beyond the bound; another gets every event meanwhile."""
    async with (
        service.socket(options={"max_queue": 1}) as slow,
        service.socket() as quick,
    ):
        began = cast("int", (await quick.next())["seq"])
        reading = asyncio.create_task(quick.numbered(began + 24_000, within_s=60))
        for _ in range(6):
            await asyncio.to_thread(service.sql, _FLOOD)
            await asyncio.sleep(0.2)
        events = await reading
        assert [event["seq"] for event in events] == list(range(began + 1, began + 24_001))
        assert await slow.until_closed() == 4429


async def test_positions_come_as_binary_frames_to_whoever_asks(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """A plain client, names and frames: it ends where the JSON client does, and the rest of the socket is the same."""
    scene = f"scene_{uuid4().hex[:6]}"
    vehicles = [ids.vehicle_id(scene, track) for track in (1, 2)]
    await asyncio.to_thread(_drive, embedded_kafka, vehicles[0], scene, frames=3, hz=50.0)
    async with service.socket(subprotocols=["x", "fleetops.v1.bin"]) as socket, service.socket() as plain:
        assert socket.connection.subprotocol == "fleetops.v1.bin"
        assert plain.connection.subprotocol is None
        snapshot = await socket.next()
        assert cast("dict[str, list[str]]", snapshot["positions"])["vehicle_id"] == []
        seen = Positions()
        await seen.until(socket, vehicles[0], x=2.0)
        assert seen.full_frames == 1
        await asyncio.to_thread(_drive, embedded_kafka, vehicles[1], scene, frames=5, hz=50.0)
        await seen.until(socket, vehicles[1], x=4.0)
        shown: dict[str, list[object]] = {"vehicle_id": []}
        while shown["vehicle_id"] != [vehicles[1]] or shown["frame_index"] != [4]:
            shown = cast("dict[str, list[object]]", (await plain.until("vehicles_moved"))["positions"])
        at = seen.by_vehicle()[vehicles[1]]
        assert at[0] == pytest.approx(shown["lon"][0], abs=1e-7)
        assert at[1] == pytest.approx(shown["lat"][0], abs=1e-7)
        assert at[2:4] == (5.0, 1.25)
        assert seen.scenes[scene] == "s1"
        await asyncio.to_thread(detect, embedded_kafka, anomaly(vehicle=vehicles[0]))
        await seen.until_event(socket, "alert_created")
        anew = telemetry(vehicles[0], 0, scene=scene, session="s2")  # a new replay of the scene takes its place
        await asyncio.to_thread(send, embedded_kafka, topics.RAW_TELEMETRY, [(vehicles[0], anew)])
        await seen.until_gone(socket, [vehicles[1]])


async def test_the_documented_client_sees_vehicles(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """The script that the documentation points to, run as it says."""
    scene = f"scene_{uuid4().hex[:6]}"
    vehicle = ids.vehicle_id(scene, 7)
    await asyncio.to_thread(_drive, embedded_kafka, vehicle, scene, frames=3, hz=50.0)
    token = await asyncio.to_thread(service.token, Role.VIEWER)
    async with service.socket(subprotocols=["fleetops.v1.bin"]) as socket:
        await Positions().until(socket, vehicle, x=2.0)
    script = await asyncio.create_subprocess_exec(
        sys.executable,
        SCRIPT,
        f"{service.url.replace('http', 'ws')}/ws",
        "1",
        env={"FLEETOPS_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await asyncio.wait_for(script.communicate(), 60)
    assert script.returncode == 0
    assert f"{vehicle} -122.1617000 37.4390000 5.00 m/s 1.250 rad" in told.decode()


async def test_a_binary_client_resumes_with_names_of_its_own(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """Numbers belong to a connection: on coming back with `since` they are told anew, before the first frame."""
    scene = f"scene_{uuid4().hex[:6]}"
    vehicle = ids.vehicle_id(scene, 7)
    async with service.socket() as socket:
        seq = cast("int", (await socket.next())["seq"])
    await asyncio.to_thread(_drive, embedded_kafka, vehicle, scene, frames=2, hz=50.0)
    await asyncio.to_thread(detect, embedded_kafka, anomaly(vehicle=vehicle))
    async with service.socket(since=seq) as other:
        while not _opens_alert_of(await other.next(), vehicle):
            pass
    async with service.socket(since=seq, subprotocols=["fleetops.v1.bin"]) as socket:
        seen = Positions()
        await seen.until(socket, vehicle, x=1.0)
        assert seen.full_frames == 1
        assert seen.seqs
        assert seen.seqs == list(range(seq + 1, seq + 1 + len(seen.seqs)))


async def test_a_slow_binary_client_misses_frames_and_no_events(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """While it does not read, frames are dropped; then it hears every event in order, and where everything is."""
    scene = f"scene_{uuid4().hex[:6]}"
    vehicle = ids.vehicle_id(scene, 7)
    async with service.socket(subprotocols=["fleetops.v1.bin"], options={"max_queue": 1}) as slow:
        began = cast("int", (await slow.next())["seq"])
        await asyncio.to_thread(service.sql, _FLOOD)
        await asyncio.to_thread(_drive, embedded_kafka, vehicle, scene, frames=100, hz=50.0)
        seen = Positions()
        await seen.until(slow, vehicle, x=99.0)
        while len(seen.seqs) < 4_000:
            seen.take(await slow.connection.recv())
        assert seen.seqs == list(range(began + 1, began + 4_001))


async def test_positions_are_not_deflated(service: OperatorService) -> None:
    """Whatever a client offers: it would cost 90 times the CPU of sending them as they are."""
    async with service.socket(subprotocols=["fleetops.v1.bin"], compression="deflate") as socket:
        assert socket.connection.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.connection.response.headers


class Positions:
    """What a plain client knows from names and frames; it forgets who is gone."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.at: dict[int, tuple[float, float, float, float, int]] = {}
        self.scenes: dict[str, str] = {}
        self.full_frames = 0
        self.seqs: list[int] = []
        self.last_type = ""

    def take(self, message: str | bytes) -> None:
        """Take in one message, whichever it is."""
        if isinstance(message, bytes):
            self._frame(message)
            return
        event = json.loads(message)
        self.last_type = event["type"]
        if event["type"] == "vehicles_named":
            VehiclesNamed.model_validate(event)
            self.names.update(zip(event["id"], event["vehicle_id"], strict=True))
        elif event["type"] == "scenes_progressed":
            ScenesProgressed.model_validate(event)
            self.scenes.update({each["scene_id"]: each["replay_session_id"] for each in event["scenes"]})
        elif "seq" in event:
            self.seqs.append(event["seq"])

    def _frame(self, frame: bytes) -> None:
        _, flags, at, count, gone = struct.unpack_from("<BBHII", frame, 0)
        if flags & 1:
            self.at.clear()
            self.full_frames += 1
        columns: list[tuple[float, ...]] = []
        for layout in (f"<{count}i", f"<{count}i", f"<{count}f", f"<{count}f", f"<{count}I", f"<{gone}I", f"<{count}B"):
            columns.append(struct.unpack_from(layout, frame, at))
            at += struct.calcsize(layout)
        lon, lat, speed, heading, numbers, left, state = columns
        for row in zip(numbers, lon, lat, speed, heading, state, strict=True):
            assert int(row[0]) in self.names  # named before it is used
            self.at[int(row[0])] = (row[1] / 1e7, row[2] / 1e7, row[3], row[4], int(row[5]))
        for each in left:
            self.at.pop(int(each), None)

    def by_vehicle(self) -> dict[str, tuple[float, float, float, float, int]]:
        """Where each vehicle is."""
        return {self.names[number]: at for number, at in self.at.items()}

    async def until(self, socket: Socket, vehicle: str, *, x: float, within_s: float = 60) -> None:
        """Read on until `vehicle`, which `_drive` moves along x, is where it should be."""
        lon = -122.1619 + x * LON_PER_X
        async with asyncio.timeout(within_s):
            while abs(self.by_vehicle().get(vehicle, (0.0,))[0] - lon) > 1e-6:
                self.take(await socket.connection.recv())

    async def until_event(self, socket: Socket, kind: str, within_s: float = 60) -> None:
        """Read on until an event of this kind."""
        async with asyncio.timeout(within_s):
            while self.last_type != kind:
                self.take(await socket.connection.recv())

    async def until_gone(self, socket: Socket, vehicles: list[str], within_s: float = 60) -> None:
        """Read on until none of these is there."""
        async with asyncio.timeout(within_s):
            while self.by_vehicle().keys() & set(vehicles):
                self.take(await socket.connection.recv())


LON_PER_X = 1e-4
"""How far `_drive` moves a vehicle east for each metre of x: enough to tell frames apart."""


_FLOOD = """
INSERT INTO outbox (kind, event)
SELECT 'action_executed', jsonb_build_object('action', jsonb_build_object('filling', repeat('x', 500)))
FROM generate_series(1, 4000);
"""


def _drive(kafka: KafkaSettings, vehicle: str, scene: str, *, frames: int, hz: float) -> None:
    """A vehicle that is seen `frames` times, `hz` times a second, with true processing times."""
    producer = Producer(kafka, "test")
    for frame in range(frames):
        record = json.loads(telemetry(vehicle, frame, scene=scene, x=float(frame)))
        record["telemetry"]["geo"]["lon"] += frame * LON_PER_X
        record["processing_time"] = format_epoch_ms(time.time_ns() // 1_000_000)
        producer.send(topics.RAW_TELEMETRY, json.dumps(record).encode(), key=vehicle.encode())
        producer.poll()
        time.sleep(1 / hz)
    producer.flush(10)
    producer.close()


def _scene_end(scene: str) -> bytes:
    now = datetime.now(UTC)
    return FrameMarker(
        kind="scene_end", replay_session_id="s1", scene_id=scene, frame_index=1, start_frame=0, event_time=now,
        processing_time=now, active_agent_count=1, replay_rate=10.0, records=0, dataset="sha256:0",
    ).write()  # fmt: skip
