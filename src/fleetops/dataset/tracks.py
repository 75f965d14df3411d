"""What a sighting inherits from its track's earlier ones: how often seen, how it moved since, whether admitted. Pure.

Causal by construction: a sighting looks at its track's previous one and at nothing later,
so a scene cut into blocks anywhere gives the same as the scene in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from .angles import wrap_angle
from .block import Rows
from .columns import Bools, Floats, Int32s, Int64s

_Any = TypeVar("_Any", bound=np.generic)
_Number = TypeVar("_Number", np.int64, np.float64)

_SHORT = np.iinfo(np.uint16).max

STATE = np.dtype(
    [
        ("track_id", np.int64),
        ("timestamp_ns", np.int64),
        ("vx", np.float64),
        ("vy", np.float64),
        ("yaw", np.float64),
        ("sightings", np.int32),
        ("first_frame", np.int32),
        ("last_frame", np.int32),
        ("admitted", np.bool_),
    ]
)
"""A track at its last sighting. States are kept in ascending order of `track_id`."""


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Readable agent rows in the dataset's order, hence by frame; no track twice in a frame."""

    track_id: Int64s
    frame: Int32s
    timestamp_ns: Int64s
    vx: Floats
    vy: Floats
    yaw: Floats
    qualifies: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """The admitted among some sightings, in their order: `row` says which sighting each is."""

    row: npt.NDArray[np.intp]
    track_length: Int32s
    ax: Floats
    ay: Floats
    yaw_rate: Floats


def by_track(track_id: Int64s) -> npt.NDArray[np.intp]:
    """The order that brings a track's sightings together, earliest first."""
    low, high = (int(track_id.min()), int(track_id.max())) if len(track_id) else (0, 0)
    if high - low <= _SHORT:  # numpy sorts these by radix, in a twentieth of the time
        return np.argsort((track_id - low).astype(np.uint16), kind="stable")
    return np.argsort(track_id, kind="stable")


def repeated(track_id: Int64s, frame: Int32s) -> Bools:
    """Which rows show a track that an earlier row of the same frame shows already."""
    order = by_track(track_id)
    same = (np.diff(track_id[order]) == 0) & (np.diff(frame[order]) == 0)
    again = np.zeros(len(track_id), np.bool_)
    again[order[1:][same]] = True
    return again


def follow(seen: Sightings, before: Rows) -> tuple[Followed, Rows]:
    """The admitted sightings with what they owe to earlier ones, and the tracks' states after them."""
    order = by_track(seen.track_id)
    ids, count = seen.track_id[order], len(order)
    opens = np.ones(count, np.bool_)  # the first sighting of its track in this block
    np.not_equal(ids[1:], ids[:-1], out=opens[1:])
    first = np.flatnonzero(opens)
    group = np.cumsum(opens) - 1
    known, state = _states_of(ids[first], before)

    in_block = np.arange(count, dtype=np.int32) - first[group].astype(np.int32)
    sightings = state["sightings"][group] + in_block + np.int32(1)
    admitted = _ever(seen.qualifies[order], first, group) | state["admitted"][group]

    now = np.flatnonzero(admitted)
    dt_s = _since(seen.timestamp_ns[order], first, state["timestamp_ns"], known)[now] / 1e9
    dt_s[sightings[now] == 1] = 1.0  # there all differences are zero
    vx, vy, yaw = seen.vx[order], seen.vy[order], seen.yaw[order]
    # Back into the dataset's order: what is done with rows later goes through memory from one end to the other.
    by_row = order[now]
    kept = np.zeros(count, np.bool_)
    kept[by_row] = True
    row = np.flatnonzero(kept)
    followed = Followed(
        row=row,
        track_length=_put(sightings[now], by_row, count)[row],
        ax=_put(_since(vx, first, state["vx"], known)[now] / dt_s, by_row, count)[row],
        ay=_put(_since(vy, first, state["vy"], known)[now] / dt_s, by_row, count)[row],
        yaw_rate=_put(wrap_angle(_since(yaw, first, state["yaw"], known)[now]) / dt_s, by_row, count)[row],
    )

    last = np.append(first[1:], count)[: len(first)] - 1
    state["track_id"] = ids[last]
    state["timestamp_ns"] = seen.timestamp_ns[order[last]]
    state["vx"], state["vy"], state["yaw"] = vx[last], vy[last], yaw[last]
    state["sightings"], state["admitted"] = sightings[last], admitted[last]
    state["first_frame"] = np.where(known, state["first_frame"], seen.frame[order[first]])
    state["last_frame"] = seen.frame[order[last]]
    return followed, _merge(before, state)


def _states_of(track_id: Int64s, before: Rows) -> tuple[Bools, Rows]:
    """Which of these tracks were seen before, and their states; zeros for the others."""
    at = np.searchsorted(before["track_id"], track_id)
    known = np.zeros(len(track_id), np.bool_)
    inside = at < len(before)
    known[inside] = before["track_id"][at[inside]] == track_id[inside]
    state = np.zeros(len(track_id), STATE)
    state[known] = before[at[known]]
    return known, state


def _put(values: npt.NDArray[_Any], at: npt.NDArray[np.intp], count: int) -> npt.NDArray[_Any]:
    """An array of `count` with `values` at these places; what the others hold means nothing."""
    placed = np.empty(count, values.dtype)
    placed[at] = values
    return placed


def _since(
    values: npt.NDArray[_Number], first: npt.NDArray[np.intp], carried: npt.NDArray[_Number], known: Bools
) -> npt.NDArray[_Number]:
    """Change of a value since its track's previous sighting; zero where there is none."""
    change = np.empty_like(values)
    np.subtract(values[1:], values[:-1], out=change[1:])
    change[first] = np.where(known, values[first] - carried, 0)
    return change


def _ever(condition: Bools, first: npt.NDArray[np.intp], group: npt.NDArray[np.intp]) -> Bools:
    """Whether the condition held at this sighting of the track or at an earlier one of this block."""
    so_far: Int64s = np.cumsum(condition)
    before_track: Int64s = so_far[first] - condition[first]
    return so_far > before_track[group]


def _merge(before: Rows, seen_now: Rows) -> Rows:
    silent = before[~np.isin(before["track_id"], seen_now["track_id"])]
    merged = np.concatenate((silent, seen_now))
    return merged[by_track(merged["track_id"])]
