"""The reader gives back what was written, and reads no more than it must."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from fleetops.dataset.chunks import ChunkCache, ChunkedRows
from fleetops.dataset.geo import PALO_ALTO
from fleetops.dataset.reader import Dataset, SceneRecord
from fleetops.errors import UnknownSceneError

from .writer import Agent, Frame, Scene, agent_rows, write_dataset

SCENES = [
    Scene([Frame([Agent(10 * i + j, x=i, y=j) for j in range(i + 1)], ego=(i, 0, 1)) for i in range(6)], "one"),
    Scene([Frame(), Frame([Agent(track_id=99)]), Frame()], "two"),
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two scenes, the agents of the first across several chunks."""
    return Dataset.open(write_dataset(tmp_path_factory.mktemp("set") / "two.zarr", SCENES))


def test_scenes_are_those_written(dataset: Dataset) -> None:
    """Each has its interval and its host."""
    assert [dataset.scene(index) for index in range(dataset.scene_count)] == [
        SceneRecord(0, 0, 6, "one"),
        SceneRecord(1, 6, 3, "two"),
    ]


@given(bounds=st.tuples(st.integers(0, 6), st.integers(0, 6)).map(sorted))
def test_a_block_holds_exactly_its_frames_and_their_agents(dataset: Dataset, bounds: list[int]) -> None:
    """Whatever the interval and the chunks it crosses."""
    start, end = bounds
    block = dataset.block(0, start, end)
    frames = SCENES[0].frames[start:end]
    assert (block.start, block.end) == (start, end)
    assert block.agent_offsets.tolist() == np.cumsum([0, *(len(frame.agents) for frame in frames)]).tolist()
    written = agent_rows([agent for frame in frames for agent in frame.agents])
    assert block.agents.tobytes() == written.tobytes()
    assert block.frames["ego_translation"][:, 0].tolist() == list(range(start, end))


def test_a_frame_without_agents_is_a_frame(dataset: Dataset) -> None:
    """Offsets stay; only the middle frame of the second scene has an agent."""
    block = dataset.block(1, 0, 3)
    assert block.agent_offsets.tolist() == [0, 0, 1, 1]
    assert block.agents["track_id"].tolist() == [99]


def test_rows_between_intervals_belong_to_no_frame(tmp_path: Path) -> None:
    """A filtered dataset leaves holes in `agents`, whose rows must not slip into a frame."""
    path = write_dataset(tmp_path / "holes.zarr", SCENES[:1])
    frames = zarr.open_group(str(path), mode="r+")["frames"]
    rows = frames[:]
    rows["agent_index_interval"][3] = 8, 9  # was 6 to 10
    frames[:] = rows
    block = Dataset.open(path).block(0, 2, 5)
    assert block.agent_offsets.tolist() == [0, 3, 4, 9]
    assert block.agents["track_id"].tolist() == [20, 21, 22, 32, 40, 41, 42, 43, 44]


def test_what_is_handed_out_cannot_be_changed(dataset: Dataset) -> None:
    """Blocks may be views of the cache, which all readers share."""
    block = dataset.block(0, 0, 2)
    with pytest.raises(ValueError, match="read-only"):
        block.agents["yaw"][0] = 1.0


@pytest.mark.parametrize(("scene", "start", "end"), [(2, 0, 1), (-1, 0, 1), (0, 0, 7), (0, -1, 2), (0, 4, 3)])
def test_frames_that_do_not_exist_are_refused_by_what_does(dataset: Dataset, scene: int, start: int, end: int) -> None:
    """The message says what the dataset holds."""
    with pytest.raises(UnknownSceneError, match=r"it holds (0 to 1|\[0, 6\))"):
        dataset.block(scene, start, end)


def test_without_meta_json_the_world_lies_where_l5kit_put_it(dataset: Dataset) -> None:
    """The documented default."""
    assert dataset.geo == PALO_ALTO


class CountingArray:
    """Ten rows in chunks of three, which counts what is read of it."""

    dtype = np.dtype([("n", "<i8")])
    shape: tuple[int, ...] = (10,)
    chunks: tuple[int, ...] = (3,)
    nchunks = nchunks_initialized = 4

    def __init__(self) -> None:
        self.reads: list[tuple[int, int]] = []

    def __getitem__(self, rows: slice) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        self.reads.append((rows.start, rows.stop))
        return np.array([(n,) for n in range(rows.start, rows.stop)], self.dtype)


def test_only_the_chunks_touched_are_read_and_each_once() -> None:
    """Rows 4 to 7 lie in chunks 1 and 2; asking again reads nothing."""
    array = CountingArray()
    rows = ChunkedRows("n", array, ChunkCache(1000))
    for _ in range(2):
        assert rows.read(4, 8)["n"].tolist() == [4, 5, 6, 7]
    assert array.reads == [(3, 6), (6, 9)]
    assert rows.read(9, 10)["n"].tolist() == [9]
    assert array.reads[2:] == [(9, 10)]


def test_the_cache_stays_within_its_bound_and_drops_the_chunk_used_longest_ago() -> None:
    """Room for two chunks: reading a third forgets the one not used since."""
    array, cache = CountingArray(), ChunkCache(2 * 3 * 8)
    rows = ChunkedRows("n", array, cache)
    for start in (0, 3, 0, 6, 0, 3):
        rows.read(start, start + 1)
        assert cache.held_bytes <= 2 * 3 * 8
    assert array.reads == [(0, 3), (3, 6), (6, 9), (3, 6)]


def test_a_bound_smaller_than_a_chunk_still_reads() -> None:
    """The chunk in use is kept; memory is then one chunk."""
    array, cache = CountingArray(), ChunkCache(1)
    rows = ChunkedRows("n", array, cache)
    assert rows.read(0, 9)["n"].tolist() == list(range(9))
    assert cache.held_bytes == 3 * 8


def test_many_threads_read_the_same(dataset: Dataset) -> None:
    """Sessions share a dataset, each in its own thread."""
    expected = dataset.block(0, 0, 6).agents.tobytes()
    got: list[bytes] = []

    def read() -> None:
        got.extend(dataset.block(0, 0, 6).agents.tobytes() for _ in range(20))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [expected] * 80
