"""What holds for every scene: any cut gives the same rows, the slow reference agrees, the wire is exact."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fleetops.contracts.vocabulary import Label
from fleetops.dataset.block import FrameBlock
from fleetops.dataset.geo import PALO_ALTO
from fleetops.dataset.normalize import Admission, Carry, TelemetryColumns, normalize

from .agreement import assert_agrees, assert_same
from .reference import UNIT
from .writer import Agent, Frame, block_of, cut


def _number(largest: float) -> st.SearchStrategy[float]:
    usual = st.floats(-largest, largest, width=32)
    return st.one_of(usual, usual, usual, st.sampled_from([0.0, -0.0, math.nan, math.inf, 2e7]))


agents = st.builds(
    Agent,
    track_id=st.integers(1, 5),
    x=_number(2000),
    y=_number(2000),
    vx=_number(40),
    vy=_number(40),
    yaw=_number(3.125),
    label=st.sampled_from([Label.CAR, Label.CAR, Label.UNKNOWN, Label.PEDESTRIAN, Label.BUS]),
    probability=st.sampled_from([1.0, 0.75, 0.5, 0.4, 0.0]),
)
frames = st.builds(
    Frame,
    agents=st.lists(agents, max_size=6),
    ego=st.tuples(_number(2000), _number(2000), st.floats(0, 300)),
    ego_yaw=st.floats(-3, 3),
    dt_ns=st.integers(20_000_000, 400_000_000),
)
scenes = st.builds(block_of, st.lists(frames, min_size=1, max_size=12), start=st.sampled_from([0, 100]))
admissions = st.sampled_from([Admission(), Admission.everything()])


def in_pieces(block: FrameBlock, cuts: list[int], admission: Admission) -> tuple[TelemetryColumns, Carry]:
    """The block normalized piece by piece, the pieces put together."""
    edges = [0, *sorted(min(edge, len(block.frames)) for edge in cuts), len(block.frames)]
    carry: Carry | None = None
    pieces: list[TelemetryColumns] = []
    for start, end in pairwise(edges):
        piece, carry = normalize(cut(block, start, end), carry, admission, PALO_ALTO)
        pieces.append(piece)
    assert carry is not None
    lengths = np.concatenate([np.diff(piece.row_offsets) for piece in pieces])
    names = (*TelemetryColumns.column_names(), "frames", "event_time_ms", "active_agent_count")
    joined = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}
    counts = pieces[0].counts
    for piece in pieces[1:]:
        counts += piece.counts
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return TelemetryColumns(**joined, row_offsets=offsets, counts=counts), carry


@given(block=scenes, cuts=st.lists(st.integers(0, 12), max_size=5), admission=admissions)
def test_any_cut_into_blocks_gives_the_same_rows_and_the_same_carry(
    block: FrameBlock, cuts: list[int], admission: Admission
) -> None:
    """So a restarted replay goes on exactly where it was, and nothing looks ahead."""
    whole, carry = normalize(block, None, admission, PALO_ALTO)
    pieced, pieced_carry = in_pieces(block, cuts, admission)
    assert_same(whole, pieced)
    assert carry.tracks.tobytes() == pieced_carry.tracks.tobytes()
    assert carry.next_frame == pieced_carry.next_frame == block.end


@given(block=scenes, everything=st.booleans())
def test_the_slow_reference_agrees(block: FrameBlock, everything: bool) -> None:
    """Written row by row, in plain Python and with pymap3d."""
    admission = Admission.everything() if everything else Admission()
    columns, _ = normalize(block, None, admission, PALO_ALTO)
    assert_agrees(columns, block, PALO_ALTO, everything=everything)


@given(block=scenes)
def test_every_row_read_is_accounted_for(block: FrameBlock) -> None:
    """Admitted, held back or rejected: nothing vanishes uncounted."""
    columns, _ = normalize(block, None, Admission(), PALO_ALTO)
    counts = columns.counts
    assert counts.agents == len(block.agents) == counts.admitted + counts.held_back + counts.rejected
    assert counts.admitted == int(np.count_nonzero(~columns.is_ego)) == int(columns.active_agent_count.sum())
    assert counts.ego_rejected == len(block.frames) - int(np.count_nonzero(columns.is_ego))


@given(block=scenes)
def test_numbers_survive_json_and_have_no_more_decimals_than_the_wire(block: FrameBlock) -> None:
    """Finite, equal after a round trip, and never finer than their unit: streaming and backtest see the same."""
    columns, _ = normalize(block, None, Admission.everything(), PALO_ALTO)
    for name, unit in UNIT.items():
        values = getattr(columns, name).tolist()
        assert json.loads(json.dumps(values, allow_nan=False)) == values
        for value in values:
            assert Decimal(repr(value)) % Decimal(repr(unit)) == 0, (name, value)


@given(block=scenes)
def test_what_is_handed_in_is_not_changed(block: FrameBlock) -> None:
    """Blocks are views of the reader's cache; a carry may be kept and used again."""
    middle = len(block.frames) // 2
    _, carry = normalize(cut(block, 0, middle), None, Admission(), PALO_ALTO)
    before = block.frames.tobytes(), block.agents.tobytes(), carry.tracks.tobytes()
    first, _ = normalize(cut(block, middle, len(block.frames)), carry, Admission(), PALO_ALTO)
    again, _ = normalize(cut(block, middle, len(block.frames)), carry, Admission(), PALO_ALTO)
    assert (block.frames.tobytes(), block.agents.tobytes(), carry.tracks.tobytes()) == before
    assert_same(first, again)
