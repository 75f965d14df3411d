"""What goes on the wire is what the contract would write, to the last field."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.replay.columns import FRAME_MS, START_MS, columns_of

from fleetops.contracts import ids
from fleetops.contracts.partitioning import partition_for
from fleetops.contracts.telemetry import (
    Acceleration,
    Extent,
    FrameMarker,
    Geo,
    Position,
    RawTelemetry,
    Telemetry,
    TelemetryMetadata,
    Velocity,
)
from fleetops.contracts.vocabulary import Label, Purpose
from fleetops.contracts.wire import utc_from_ms
from fleetops.dataset.columns import TelemetryColumns
from fleetops.replay.encode import EncodedFrame, MarkerFacts, SceneEncoder, markers, warm_up
from fleetops.replay.json_rows import write_rows
from fleetops.replay.timeline import SceneSpan

PARTITIONS = 6
NOW_MS = 1_790_000_000_007
LABELS = tuple(Label)


def as_the_contract_says(
    columns: TelemetryColumns, row: int, session: str, scene: str, rate: float, purpose: Purpose
) -> RawTelemetry:
    """One row as a message, field by field, sharing nothing with the encoder."""
    c = {name: getattr(columns, name)[row].item() for name in TelemetryColumns.column_names()}
    vehicle = ids.ego_id(scene) if c["is_ego"] else ids.vehicle_id(scene, c["track_id"])
    frame = c["frame_index"] - int(columns.frames[0])
    return RawTelemetry(
        event_id=ids.event_id(ids.event_base(session, vehicle), c["frame_index"]),
        vehicle_id=vehicle,
        scene_id=scene,
        track_id=c["track_id"],
        event_time=utc_from_ms(int(columns.event_time_ms[frame])),
        processing_time=utc_from_ms(NOW_MS),
        frame_index=c["frame_index"],
        telemetry=Telemetry(
            position=Position(x=c["x"], y=c["y"], z=c["z"]),
            geo=Geo(lon=c["lon"], lat=c["lat"]),
            velocity=Velocity(x=c["vx"], y=c["vy"], z=c["vz"], magnitude=c["speed"]),
            acceleration=Acceleration(x=c["ax"], y=c["ay"], z=c["az"], magnitude=c["accel"]),
            yaw=c["yaw"],
            yaw_rate=c["yaw_rate"],
            extent=Extent(length=c["length"], width=c["width"], height=c["height"]),
            label=LABELS[c["label"]],
            label_probability=c["label_probability"],
            range_m=c["range_m"],
            track_length=c["track_length"],
        ),
        metadata=TelemetryMetadata(
            replay_session_id=session,
            replay_rate=rate,
            purpose=purpose,
            active_agent_count=int(columns.active_agent_count[frame]),
        ),
    )


def encode_all(encoder: SceneEncoder, columns: TelemetryColumns, rate: float = 10.0) -> list[tuple[int, EncodedFrame]]:
    """Every frame of the columns, written."""
    block = encoder.lay_out(columns)
    return [
        (frame, encoder.encode(block, frame, rate_hz=rate, processing_time_ms=NOW_MS))
        for frame in columns.frames.tolist()
    ]


@settings(max_examples=60, deadline=None)
@given(
    tracks=st.lists(st.lists(st.integers(1, 2**40), max_size=6, unique=True), min_size=1, max_size=5),
    first_frame=st.integers(0, 2**30 - 10),
    seed=st.integers(0, 2**31),
    rate=st.sampled_from([0.0, 0.1, 10.0, 12.5, 1e3]),
    purpose=st.sampled_from(Purpose),
    session=st.sampled_from(["session_abc123", 'with "quotes" and \\', "ümläut"]),
    scene=st.sampled_from(["scene_001", "scene-é"]),
)
def test_records_are_what_the_contract_writes(
    tracks: list[list[int]],
    first_frame: int,
    seed: int,
    rate: float,
    purpose: Purpose,
    session: str,
    scene: str,
) -> None:
    """Strictly parsed, each record equals the message made by hand; fields come in the contract's order."""
    columns = columns_of(tracks, first_frame, seed)
    encoder = SceneEncoder(session, scene, purpose, PARTITIONS)
    records = [value for _, frame in encode_all(encoder, columns, rate) for value in frame.values()]
    assert len(records) == len(columns)
    for row, record in enumerate(records):
        expected = as_the_contract_says(columns, row, session, scene, rate, purpose)
        assert RawTelemetry.model_validate_json(record, extra="forbid") == expected
        # Python's own parser compares doubles to the last bit, and pairs keep the order of fields.
        pairs = json.loads(record, object_pairs_hook=list)
        assert pairs == json.loads(expected.write(), object_pairs_hook=list)


@settings(max_examples=200, deadline=None)
@given(ticks=st.integers(-(10**10), 10**10))
def test_any_number_on_the_grid_reads_back_as_the_same_double(ticks: int) -> None:
    """From -1e7 to 1e7 in millimetres, no text is off by a bit."""
    columns = columns_of([[]])
    columns.x[0] = ticks / 1000
    ((_, frame),) = encode_all(SceneEncoder("s", "scene", Purpose.LIVE, 1), columns)
    (record,) = frame.values()
    x = json.loads(record)["telemetry"]["position"]["x"]
    assert (x, type(x)) == (ticks / 1000, float)


def test_vehicles_keep_their_number_key_and_partition_from_block_to_block() -> None:
    """A vehicle seen in an earlier block is the same vehicle, and new ones come behind."""
    encoder = SceneEncoder("s", "scene_1", Purpose.LIVE, PARTITIONS)
    first = encoder.lay_out(columns_of([[7, 5], [7]]))
    second = encoder.lay_out(columns_of([[5, 9]], first_frame=2))
    named = [[encoder.keys[number].decode() for number in block.vehicle] for block in (first, second)]
    assert named == [
        ["scene_1_ego", "scene_1_track_7", "scene_1_track_5", "scene_1_ego", "scene_1_track_7"],
        ["scene_1_ego", "scene_1_track_5", "scene_1_track_9"],
    ]
    assert encoder.partitions == [partition_for(key, PARTITIONS) for key in encoder.keys]


def test_an_agent_with_track_zero_is_not_the_ego() -> None:
    """The ego has track_id 0 by agreement; an agent of that number is another vehicle."""
    columns = columns_of([[0]])
    records = [
        json.loads(value)
        for _, f in encode_all(SceneEncoder("s", "a", Purpose.LIVE, 1), columns)
        for value in f.values()
    ]
    assert [(r["vehicle_id"], r["track_id"]) for r in records] == [("a_ego", 0), ("a_track_0", 0)]
    assert records[0]["event_id"] != records[1]["event_id"]


@pytest.mark.parametrize("scene_end", [False, True])
def test_markers_are_what_the_contract_writes(scene_end: bool) -> None:
    """One marker per partition, byte for byte the contract's, with that partition's share of the records."""
    tracks = [[11, 12, 13, 14, 15, 16, 17, 18]]
    encoder = SceneEncoder("session_1", "scene_1", Purpose.REVIEW, PARTITIONS)
    ((index, frame),) = encode_all(encoder, columns_of(tracks, first_frame=40))
    facts = MarkerFacts("session_1", SceneSpan("scene_1", 0, 30, 41), Purpose.REVIEW, "sha256:00")
    written = markers(facts, index, frame, scene_end=scene_end, rate_hz=12.5, processing_time_ms=NOW_MS)
    shares = [0] * PARTITIONS
    for number in frame.vehicles.tolist():
        shares[encoder.partitions[number]] += 1
    assert sum(shares) == len(frame) == 9
    assert written == [
        FrameMarker(
            kind="scene_end" if scene_end else "frame_end",
            replay_session_id="session_1",
            scene_id="scene_1",
            frame_index=40,
            start_frame=30,
            event_time=utc_from_ms(START_MS + 40 * FRAME_MS),
            processing_time=utc_from_ms(NOW_MS),
            active_agent_count=8,
            replay_rate=12.5,
            records=share,
            purpose=Purpose.REVIEW,
            dataset="sha256:00",
        ).write()
        for share in shares
    ]


def test_a_frame_without_any_vehicle_still_has_its_markers() -> None:
    """Silence is said, too: a frame whose ego pose is unreadable and that has no agents sends markers alone."""
    columns = columns_of([[1], []])
    empty = columns_of([[]])
    bare = TelemetryColumns(
        **{name: getattr(empty, name)[:0] for name in TelemetryColumns.column_names()},
        frames=empty.frames,
        event_time_ms=empty.event_time_ms,
        active_agent_count=empty.active_agent_count,
        row_offsets=empty.row_offsets * 0,
        counts=empty.counts,
    )
    encoder = SceneEncoder("s", "scene_1", Purpose.LIVE, PARTITIONS)
    ((_, nothing),) = encode_all(encoder, bare)
    assert (list(nothing.values()), nothing.per_partition) == ([], [0] * PARTITIONS)
    assert [len(frame) for _, frame in encode_all(encoder, columns)] == [2, 1]


def test_a_frame_before_the_block_is_refused() -> None:
    """A negative index would quietly write another frame's facts under this frame's number."""
    encoder = SceneEncoder("s", "scene_1", Purpose.LIVE, PARTITIONS)
    block = encoder.lay_out(columns_of([[1], [1, 2]], first_frame=8))
    with pytest.raises(ValueError, match="frame 7 is before its block, which begins at 8"):
        encoder.encode(block, 7, rate_hz=10.0, processing_time_ms=NOW_MS)


def test_warming_up_compiles_all_that_a_frame_needs() -> None:
    """The first real frame finds the writer compiled: no frame waits for the compiler."""
    warm_up()
    compiled = len(write_rows.signatures)  # type: ignore[attr-defined]  # numba's dispatcher
    encode_all(SceneEncoder("s", "scene_1", Purpose.LIVE, PARTITIONS), columns_of([[1, 2]]))
    assert len(write_rows.signatures) == compiled  # type: ignore[attr-defined]  # as above
