"""Telemetry columns to the messages of `raw_telemetry`, as `contracts.telemetry` would write them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydantic_core import to_json

from fleetops.contracts import ids
from fleetops.contracts.partitioning import partition_for
from fleetops.contracts.telemetry import FrameMarker, TelemetryMetadata
from fleetops.contracts.vocabulary import Purpose
from fleetops.contracts.wire import format_epoch_ms, utc_from_ms
from fleetops.dataset.columns import TelemetryColumns

from .frame_rows import NUMBERS, Acts, FrameRows, recast
from .interventions import Deed
from .json_rows import Ints
from .record_text import RecordWriter, Texts
from .timeline import SceneSpan, records_per_partition


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
    heads: Texts
    tails: Texts
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
        self._writer = RecordWriter()
        self._numbering = threading.Lock()
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
            numbers=np.ascontiguousarray(np.column_stack([getattr(columns, column) for column in NUMBERS])),
            label=np.ascontiguousarray(columns.label),
            track_length=np.ascontiguousarray(columns.track_length),
            vehicle=vehicle,
            heads=Texts.of(self._head),
            tails=Texts.of(self._tail),
            partition_of_vehicle=np.array(self.partitions, np.int64),
        )

    def encode(
        self,
        block: EncodableBlock,
        frame_index: int,
        *,
        rate_hz: float,
        processing_time_ms: int,
        acts: Acts | None = None,
    ) -> EncodedFrame:
        """Write the records of one frame of `block`, with what `acts` simulates in it.

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
        rows = FrameRows(
            block.vehicle[first:last],
            block.numbers[first:last],
            block.label[first:last],
            block.track_length[first:last],
        )
        if acts is None:
            vehicles, partition_of = rows.vehicles, block.partition_of_vehicle
            text, ends = self._writer.write(
                block.heads, block.tails, frame_index, rows, moment, self._closing(rate_hz, agents)
            )
        else:
            groups, agents = recast(rows, acts)
            vehicles = np.concatenate([group.vehicles for group in groups])
            partition_of = np.array(self.partitions, np.int64)  # the block may not know them all
            text, ends = self._write_groups(block, groups, frame_index, moment, rate_hz, agents)
        return EncodedFrame(
            event_time_ms=event_time_ms,
            active_agent_count=agents,
            text=text,
            ends=ends,
            vehicles=vehicles,
            per_partition=records_per_partition(partition_of[vehicles], self._partitions),
        )

    def number_of(self, track_id: int | None) -> int:
        """The number of a track's vehicle, or of the ego (None). Any thread may ask."""
        return self._vehicle(track_id or 0, track_id is None)

    def _closing(self, rate_hz: float, agents: int, intervention: Deed | None = None) -> bytes:
        metadata = TelemetryMetadata(
            replay_session_id=self._session_id,
            replay_rate=rate_hz,
            purpose=self._purpose,
            active_agent_count=agents,
            intervention=intervention,
        )
        return b'},"metadata":' + metadata.write() + b"}"

    def _write_groups(
        self,
        block: EncodableBlock,
        groups: Sequence[FrameRows],
        frame_index: int,
        moment: bytes,
        rate_hz: float,
        agents: int,
    ) -> tuple[bytes, Ints]:
        written: list[bytes] = []
        ends: list[Ints] = []
        heads, tails, length = block.heads, block.tails, 0
        for group in groups:
            rows = group
            if group.intervention is not None:
                # The block may know nothing of a vehicle that lives on beyond its recording.
                numbers = group.vehicles.tolist()
                heads = Texts.of([self._head[number] for number in numbers])
                tails = Texts.of([self._tail[number] for number in numbers])
                rows = replace(group, vehicles=np.arange(len(numbers)))
            closing = self._closing(rate_hz, agents, group.intervention)
            text, text_ends = self._writer.write(heads, tails, frame_index, rows, moment, closing)
            written.append(text)
            ends.append(text_ends + length)
            length += len(text)
        return b"".join(written), np.concatenate(ends)

    def _number(self, track_id: Ints, is_ego: npt.NDArray[np.bool_]) -> Ints:
        tracks, rows = np.unique(np.where(is_ego, -1, track_id), return_inverse=True)
        numbers = [self._vehicle(max(track, 0), track < 0) for track in tracks.tolist()]
        return np.array(numbers, np.int64)[rows.reshape(-1)]

    def _vehicle(self, track_id: int, is_ego: bool) -> int:
        with self._numbering:
            number = self._number_of.get((track_id, is_ego))
            return self._add(track_id, is_ego) if number is None else number

    def _add(self, track_id: int, is_ego: bool) -> int:
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
        numbers=np.empty((0, len(NUMBERS)), np.float64),
        label=np.empty(0, np.uint8),
        track_length=np.empty(0, np.int32),
        vehicle=np.empty(0, np.int64),
        heads=Texts.of([]),
        tails=Texts.of([]),
        partition_of_vehicle=np.empty(0, np.int64),
    )
    SceneEncoder("", "", Purpose.REVIEW, 1).encode(nothing, 0, rate_hz=0.0, processing_time_ms=0)
