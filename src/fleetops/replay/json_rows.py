"""Rows of numbers to JSON text, compiled: a tenth of the CPU of building objects for an encoder.

Numbers on the wire are decimals of a fixed number of digits, so their text is integer
arithmetic. It is the shortest text that reads back as the same double, as any JSON
encoder would write it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import numba
import numpy as np
import numpy.typing as npt

P = ParamSpec("P")
R = TypeVar("R")

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

DIGITS_AT_MOST: Final = 22
"""Sign, point and digits of any number we write; `precision.LARGEST` allows 8 before the point and 7 after."""

_ZERO: Final = 48
_MINUS: Final = 45
_POINT: Final = 46
_TEN_A: Final = 87  # what makes 10 the letter a


def _jit(function: Callable[P, R]) -> Callable[P, R]:
    """Compiled at its first call, and kept on disk for the next process."""
    # error_model: no check of every division for zero; none of ours can be.
    dispatcher: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return dispatcher


@_jit
def _put(out: Bytes, at: int, text: Bytes, start: int, end: int) -> int:
    # Unsigned, since a signed index might count from the end: with that excluded, the loop is a block copy.
    here, there = np.uint64(at), np.uint64(start)
    for i in range(np.uint64(max(0, end - start))):
        out[here + i] = text[there + i]
    return at + end - start


@_jit
def _put_int(out: Bytes, at: int, value: int) -> int:
    digits = 1
    rest = value // 10
    while rest > 0:
        digits += 1
        rest //= 10
    for i in range(at + digits - 1, at - 1, -1):
        out[i] = _ZERO + value % 10
        value //= 10
    return at + digits


@_jit
def _put_decimal(out: Bytes, at: int, value: float, decimals: int, scale: int) -> int:
    ticks = int(np.rint(value * scale))
    if ticks < 0:
        out[at] = _MINUS
        at += 1
        ticks = -ticks
    at = _put_int(out, at, ticks // scale)
    out[at] = _POINT
    at += 1
    fraction = ticks % scale
    if fraction == 0:
        out[at] = _ZERO
        return at + 1
    while fraction % 10 == 0:
        fraction //= 10
        decimals -= 1
    for i in range(at + decimals - 1, at - 1, -1):
        out[i] = _ZERO + fraction % 10
        fraction //= 10
    return at + decimals


@_jit
def _put_hex8(out: Bytes, at: int, value: int) -> int:
    for i in range(at + 7, at - 1, -1):
        nibble = value & 15
        out[i] = nibble + (_ZERO if nibble < 10 else _TEN_A)
        value >>= 4
    return at + 8


@_jit
def write_rows(
    out: Bytes,
    frame_index: int,
    vehicle: Ints,
    heads: Bytes,
    head_ends: Ints,
    tails: Bytes,
    tail_ends: Ints,
    moment: Bytes,
    numbers: npt.NDArray[np.float64],
    decimals: Ints,
    separators: Bytes,
    separator_ends: Ints,
    label: npt.NDArray[np.uint8],
    label_place: int,
    labels: Bytes,
    label_ends: Ints,
    track_length: npt.NDArray[np.int32],
    closing: Bytes,
) -> Ints:
    """Write one record after the other into `out`; where each ends.

    A record is its vehicle's head, the frame in 8 hexadecimal digits, its vehicle's tail,
    the frame's `moment`, then each of `numbers` behind its separator, the label before
    number `label_place`, the track length, and the frame's `closing`.
    Texts of a kind lie end to end in one array, with the place where each ends.
    """
    ends = np.empty(len(vehicle), np.int64)
    scales = np.empty(len(decimals), np.int64)
    for column in range(len(decimals)):
        scales[column] = 10 ** decimals[column]
    at = 0
    for row in range(len(vehicle)):
        who = vehicle[row]
        at = _put(out, at, heads, 0 if who == 0 else head_ends[who - 1], head_ends[who])
        at = _put_hex8(out, at, frame_index)
        at = _put(out, at, tails, 0 if who == 0 else tail_ends[who - 1], tail_ends[who])
        at = _put(out, at, moment, 0, len(moment))
        separator = 0
        for column in range(len(decimals)):
            if column == label_place:
                end = separator_ends[separator]
                at = _put(out, at, separators, 0 if separator == 0 else separator_ends[separator - 1], end)
                separator += 1
                kind = label[row]
                at = _put(out, at, labels, 0 if kind == 0 else label_ends[kind - 1], label_ends[kind])
            end = separator_ends[separator]
            at = _put(out, at, separators, 0 if separator == 0 else separator_ends[separator - 1], end)
            separator += 1
            at = _put_decimal(out, at, numbers[row, column], decimals[column], scales[column])
        end = separator_ends[separator]
        at = _put(out, at, separators, separator_ends[separator - 1], end)
        at = _put_int(out, at, track_length[row])
        at = _put(out, at, closing, 0, len(closing))
        ends[row] = at
    return ends
