"""Telemetry columns to the messages of `raw_telemetry`, as `contracts.telemetry` would write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydantic_core import to_json

from fleetops.contracts import ids
from fleetops.contracts.partitioning import partition_for
from fleetops.contracts.telemetry import FrameMarker, TelemetryMetadata
from fleetops.contracts.vocabulary import Label, Purpose
from fleetops.contracts.wire import format_epoch_ms, utc_from_ms
from fleetops.dataset.columns import TelemetryColumns
from fleetops.dataset.precision import DEGREE_DECIMALS, METRE_DECIMALS, PROBABILITY_DECIMALS, RADIAN_DECIMALS

from .json_rows import DIGITS_AT_MOST, Bytes, Ints, write_rows
from .timeline import SceneSpan, records_per_partition

# The text before each number, the column it is in, and its decimals, in the order of the message.
_NUMBERS = (
    ('"position":{"x":', "x", METRE_DECIMALS),
    (',"y":', "y", METRE_DECIMALS),
    (',"z":', "z", METRE_DECIMALS),
    ('},"geo":{"lon":', "lon", DEGREE_DECIMALS),
    (',"lat":', "lat", DEGREE_DECIMALS),
    ('},"velocity":{"x":', "vx", METRE_DECIMALS),
    (',"y":', "vy", METRE_DECIMALS),
    (',"z":', "vz", METRE_DECIMALS),
    (',"magnitude":', "speed", METRE_DECIMALS),
    ('},"acceleration":{"x":', "ax", METRE_DECIMALS),
    (',"y":', "ay", METRE_DECIMALS),
    (',"z":', "az", METRE_DECIMALS),
    (',"magnitude":', "accel", METRE_DECIMALS),
    ('},"yaw":', "yaw", RADIAN_DECIMALS),
    (',"yaw_rate":', "yaw_rate", RADIAN_DECIMALS),
    (',"extent":{"length":', "length", METRE_DECIMALS),
    (',"width":', "width", METRE_DECIMALS),
    (',"height":', "height", METRE_DECIMALS),
    (',"label_probability":', "label_probability", PROBABILITY_DECIMALS),
    (',"range_m":', "range_m", METRE_DECIMALS),
)
_LABEL_PLACE = [column for _, column, _ in _NUMBERS].index("label_probability")
_LABEL = '},"label":'
_TRACK_LENGTH = ',"track_length":'
_INT_DIGITS_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts end to end, and where each ends: what the compiled writer reads."""

    joined: Bytes
    ends: Ints
    longest: int

    @classmethod
    def of(cls, texts: list[bytes]) -> _Texts:
        lengths = [len(text) for text in texts]
        joined = np.frombuffer(b"".join(texts), np.uint8)
        return cls(joined, np.cumsum(lengths, dtype=np.int64), max(lengths, default=0))


_SEPARATORS = _Texts.of(
    [
        text.encode()
        for text in (
            *(text for text, _, _ in _NUMBERS[:_LABEL_PLACE]),
            _LABEL,
            *(text for text, _, _ in _NUMBERS[_LABEL_PLACE:]),
            _TRACK_LENGTH,
        )
    ]
)
_LABELS = _Texts.of([to_json(label) for label in Label])
_DECIMALS = np.array([decimals for _, _, decimals in _NUMBERS], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class EncodableBlock:
    """Consecutive frames of a scene, laid out for writing; built ahead of time."""

    first_frame: int
    event_time_ms: Ints
    active_agent_count: npt.NDArray[np.int32]
    row_offsets: Ints
    numbers: npt.NDArray[np.float64]
    label: npt.NDArray[np.uint8]
    track_length: npt.NDArray[np.int32]
    vehicle: Ints
    """Number of each row's vehicle, as the scene's encoder counts them."""
    heads: _Texts
    tails: _Texts
    partition_of_vehicle: Ints

    @property
    def end_frame(self) -> int:
        """The frame after the last."""
        return self.first_frame + len(self.event_time_ms)


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """A frame's records, and what its markers say."""

    event_time_ms: int
    active_agent_count: int
    text: bytes
    ends: Ints
    vehicles: Ints
    per_partition: list[int]

    def __len__(self) -> int:
        return len(self.ends)

    def values(self) -> Iterator[bytes]:
        """The records, one by one."""
        text = self.text
        yield from (text[start:end] for start, end in pairwise([0, *self.ends.tolist()]))


class SceneEncoder:
    """Writes the records of one scene in one session; remembers what all records of a vehicle share."""

    def __init__(self, session_id: str, scene_id: str, purpose: Purpose, partitions: int) -> None:
        self._session_id, self._scene_id, self._purpose = session_id, scene_id, purpose
        self._partitions = partitions
        self._number_of: dict[tuple[int, bool], int] = {}
        self._head: list[bytes] = []
        self._tail: list[bytes] = []
        self._out = np.empty(0, np.uint8)
        self.keys: list[bytes] = []
        """Key of each vehicle, by its number. Grows while blocks are laid out; never changes."""
        self.partitions: list[int] = []
        """Partition of each vehicle, likewise."""

    def lay_out(self, columns: TelemetryColumns) -> EncodableBlock:
        """Prepare a block for writing. May run in another thread than `encode`."""
        vehicle = self._number(columns.track_id, columns.is_ego)
        return EncodableBlock(
            first_frame=int(columns.frames[0]),
            event_time_ms=columns.event_time_ms,
            active_agent_count=columns.active_agent_count,
            row_offsets=columns.row_offsets,
            # Rows lie together, as they are written; another layout would be compiled for anew.
            numbers=np.ascontiguousarray(np.column_stack([getattr(columns, column) for _, column, _ in _NUMBERS])),
            label=np.ascontiguousarray(columns.label),
            track_length=np.ascontiguousarray(columns.track_length),
            vehicle=vehicle,
            heads=_Texts.of(self._head),
            tails=_Texts.of(self._tail),
            partition_of_vehicle=np.array(self.partitions, np.int64),
        )

    def encode(
        self, block: EncodableBlock, frame_index: int, *, rate_hz: float, processing_time_ms: int
    ) -> EncodedFrame:
        """Write the records of one frame of `block`.

        Raises:
            ValueError: the frame is before the block, where a negative index would find another frame.
        """
        i = frame_index - block.first_frame
        if i < 0:
            raise ValueError(f"frame {frame_index} is before its block, which begins at {block.first_frame}")
        first, last = int(block.row_offsets[i]), int(block.row_offsets[i + 1])
        event_time_ms, agents = int(block.event_time_ms[i]), int(block.active_agent_count[i])
        moment = (
            f',"event_time":"{format_epoch_ms(event_time_ms)}","processing_time":"{format_epoch_ms(processing_time_ms)}"'
            f',"frame_index":{frame_index},"telemetry":{{'
        ).encode()
        metadata = TelemetryMetadata(
            replay_session_id=self._session_id,
            replay_rate=rate_hz,
            purpose=self._purpose,
            active_agent_count=agents,
        )
        closing = b'},"metadata":' + metadata.write() + b"}"
        vehicles = block.vehicle[first:last]
        out = self._buffer(block, last - first, len(moment) + len(closing))
        ends = write_rows(
            out,
            frame_index,
            vehicles,
            block.heads.joined,
            block.heads.ends,
            block.tails.joined,
            block.tails.ends,
            np.frombuffer(moment, np.uint8),
            block.numbers[first:last],
            _DECIMALS,
            _SEPARATORS.joined,
            _SEPARATORS.ends,
            block.label[first:last],
            _LABEL_PLACE,
            _LABELS.joined,
            _LABELS.ends,
            block.track_length[first:last],
            np.frombuffer(closing, np.uint8),
        )
        return EncodedFrame(
            event_time_ms=event_time_ms,
            active_agent_count=agents,
            text=out[: ends[-1] if len(ends) else 0].tobytes(),
            ends=ends,
            vehicles=vehicles,
            per_partition=records_per_partition(block.partition_of_vehicle[vehicles], self._partitions),
        )

    def _number(self, track_id: Ints, is_ego: npt.NDArray[np.bool_]) -> Ints:
        tracks, rows = np.unique(np.where(is_ego, -1, track_id), return_inverse=True)
        numbers = [self._vehicle(max(track, 0), track < 0) for track in tracks.tolist()]
        return np.array(numbers, np.int64)[rows.reshape(-1)]

    def _vehicle(self, track_id: int, is_ego: bool) -> int:
        number = self._number_of.get((track_id, is_ego))
        if number is not None:
            return number
        vehicle_id = ids.ego_id(self._scene_id) if is_ego else ids.vehicle_id(self._scene_id, track_id)
        number = self._number_of[track_id, is_ego] = len(self.keys)
        event_id = str(ids.event_id(ids.event_base(self._session_id, vehicle_id), 0))
        self._head.append(f'{{"event_id":"{event_id[:-8]}'.encode())
        self._tail.append(
            b'","vehicle_id":%b,"scene_id":%b,"track_id":%d' % (to_json(vehicle_id), to_json(self._scene_id), track_id)
        )
        self.partitions.append(partition_for(vehicle_id.encode(), self._partitions))
        self.keys.append(vehicle_id.encode())
        return number

    def _buffer(self, block: EncodableBlock, rows: int, shared: int) -> Bytes:
        numbers = len(_SEPARATORS.joined) + len(_NUMBERS) * DIGITS_AT_MOST + _INT_DIGITS_AT_MOST
        longest = block.heads.longest + 8 + block.tails.longest + shared + numbers + _LABELS.longest
        if len(self._out) < rows * longest:
            self._out = np.empty(rows * longest, np.uint8)
        return self._out


@dataclass(frozen=True, slots=True)
class MarkerFacts:
    """What the markers of a session's scene share."""

    session_id: str
    span: SceneSpan
    purpose: Purpose
    dataset: str


def markers(
    facts: MarkerFacts,
    frame_index: int,
    frame: EncodedFrame,
    *,
    scene_end: bool,
    rate_hz: float,
    processing_time_ms: int,
) -> list[bytes]:
    """The marker of a frame, or of its scene's end, for each partition in order."""
    marker = FrameMarker(
        kind="scene_end" if scene_end else "frame_end",
        replay_session_id=facts.session_id,
        scene_id=facts.span.scene_id,
        frame_index=frame_index,
        start_frame=facts.span.start_frame,
        event_time=utc_from_ms(frame.event_time_ms),
        processing_time=utc_from_ms(processing_time_ms),
        active_agent_count=frame.active_agent_count,
        replay_rate=rate_hz,
        records=0,
        purpose=facts.purpose,
        dataset=facts.dataset,
    )
    # Only `records` differs. Quotes within a string are escaped, so this text occurs once.
    before, _, after = marker.write().partition(b'"records":0')
    return [b'%b"records":%d%b' % (before, count, after) for count in frame.per_partition]


def warm_up() -> None:
    """Compile the writer, or load what an earlier process compiled: a second or two that no frame should wait for."""
    nothing = EncodableBlock(
        first_frame=0,
        event_time_ms=np.zeros(1, np.int64),
        active_agent_count=np.zeros(1, np.int32),
        row_offsets=np.zeros(2, np.int64),
        numbers=np.empty((0, len(_NUMBERS)), np.float64),
        label=np.empty(0, np.uint8),
        track_length=np.empty(0, np.int32),
        vehicle=np.empty(0, np.int64),
        heads=_Texts.of([]),
        tails=_Texts.of([]),
        partition_of_vehicle=np.empty(0, np.int64),
    )
    SceneEncoder("", "", Purpose.REVIEW, 1).encode(nothing, 0, rate_hz=0.0, processing_time_ms=0)
