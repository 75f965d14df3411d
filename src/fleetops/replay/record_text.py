"""Rows of numbers to the text of records, in the order of the message."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic_core import to_json

from fleetops.contracts.vocabulary import Label

from .frame_rows import NUMBERS, FrameRows
from .json_rows import DIGITS_AT_MOST, Bytes, Ints, write_rows
from .simulated import WIRE_DECIMALS

# The text before each number, in the order of the message.
_BEFORE = {
    "x": '"position":{"x":',
    "y": ',"y":',
    "z": ',"z":',
    "lon": '},"geo":{"lon":',
    "lat": ',"lat":',
    "vx": '},"velocity":{"x":',
    "vy": ',"y":',
    "vz": ',"z":',
    "speed": ',"magnitude":',
    "ax": '},"acceleration":{"x":',
    "ay": ',"y":',
    "az": ',"z":',
    "accel": ',"magnitude":',
    "yaw": '},"yaw":',
    "yaw_rate": ',"yaw_rate":',
    "length": ',"extent":{"length":',
    "width": ',"width":',
    "height": ',"height":',
    "label_probability": ',"label_probability":',
    "range_m": ',"range_m":',
}
_NUMBERS = tuple((_BEFORE[column], column, WIRE_DECIMALS[column]) for column in NUMBERS)
_LABEL_PLACE = [column for _, column, _ in _NUMBERS].index("label_probability")
_LABEL = '},"label":'
_TRACK_LENGTH = ',"track_length":'
_INT_DIGITS_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts end to end, and where each ends: what the compiled writer reads."""

    joined: Bytes
    ends: Ints
    longest: int

    @classmethod
    def of(cls, texts: list[bytes]) -> Texts:
        """`texts`, joined."""
        lengths = [len(text) for text in texts]
        joined = np.frombuffer(b"".join(texts), np.uint8)
        return cls(joined, np.cumsum(lengths, dtype=np.int64), max(lengths, default=0))


_SEPARATORS = Texts.of(
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
_LABELS = Texts.of([to_json(label) for label in Label])
_DECIMALS = np.array([decimals for _, _, decimals in _NUMBERS], np.int64)


class RecordWriter:
    """Writes records into a buffer that it keeps. For one thread."""

    def __init__(self) -> None:
        self._out = np.empty(0, np.uint8)

    def write(
        self, heads: Texts, tails: Texts, frame_index: int, rows: FrameRows, moment: bytes, closing: bytes
    ) -> tuple[bytes, Ints]:
        """The records of `rows`, end to end, and where each ends.

        Vehicles are numbers of `heads` and `tails`; `moment` and `closing` are what all records of the frame share.
        """
        out = self._buffer(heads.longest + tails.longest, len(rows.vehicles), len(moment) + len(closing))
        ends = write_rows(
            out,
            frame_index,
            rows.vehicles,
            heads.joined,
            heads.ends,
            tails.joined,
            tails.ends,
            np.frombuffer(moment, np.uint8),
            rows.numbers,
            _DECIMALS,
            _SEPARATORS.joined,
            _SEPARATORS.ends,
            rows.label,
            _LABEL_PLACE,
            _LABELS.joined,
            _LABELS.ends,
            rows.track_length,
            np.frombuffer(closing, np.uint8),
        )
        return out[: ends[-1] if len(ends) else 0].tobytes(), ends

    def _buffer(self, own: int, rows: int, shared: int) -> Bytes:
        numbers = len(_SEPARATORS.joined) + len(_NUMBERS) * DIGITS_AT_MOST + _INT_DIGITS_AT_MOST
        longest = own + 8 + shared + numbers + _LABELS.longest
        if len(self._out) < rows * longest:
            self._out = np.empty(rows * longest, np.uint8)
        return self._out
