"""The digest names a dataset's content: the same for copies, another for any other content."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fleetops.dataset.digest import dataset_digest
from fleetops.dataset.reader import Dataset
from fleetops.errors import DatasetError

from .writer import Agent, Frame, Scene, write_dataset

ARRAYS = ("scenes", "frames", "agents")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A dataset whose agents fill many chunks."""
    return write_dataset(tmp_path / "set.zarr", [Scene([Frame([Agent(x=i)] * 20) for i in range(5)])])


def test_a_copy_has_the_same_digest(path: Path, tmp_path: Path) -> None:
    """Wherever it lies, whatever it is called, and however its metadata is laid out."""
    copy = shutil.copytree(path, tmp_path / "elsewhere" / "other.zarr")
    metadata = copy / "agents" / ".zarray"
    turned = dict(reversed(json.loads(metadata.read_text()).items()))
    metadata.write_text(json.dumps(turned, indent=1))
    digest = Dataset.open(path).digest
    assert Dataset.open(copy).digest == digest
    assert digest.startswith("sha256:")
    assert len(digest) == len("sha256:") + 64


@pytest.mark.parametrize("limit", [1 << 30, 0])
def test_other_content_has_another_digest(path: Path, limit: int) -> None:
    """One byte of one chunk, the name of a chunk, or the metadata, in either form."""
    seen = {dataset_digest(path, ARRAYS, limit)}
    chunk, last = path / "agents" / "3", path / "agents" / "14"
    original = chunk.read_bytes()
    chunk.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    seen.add(dataset_digest(path, ARRAYS, limit))
    chunk.write_bytes(original + b"!")
    seen.add(dataset_digest(path, ARRAYS, limit))
    chunk.write_bytes(original)
    last.rename(path / "agents" / "400")
    seen.add(dataset_digest(path, ARRAYS, limit))
    (path / "agents" / "400").rename(last)
    metadata = path / "agents" / ".zarray"
    metadata.write_text(metadata.read_text().replace("[\n        100\n    ]", "[\n        99\n    ]"))
    seen.add(dataset_digest(path, ARRAYS, limit))
    assert len(seen) == 5


def test_what_no_detection_depends_on_does_not_count(path: Path) -> None:
    """Traffic lights and `meta.json` may come or go."""
    before = dataset_digest(path, ARRAYS)
    shutil.copytree(path / "agents", path / "traffic_light_faces")
    (path / "meta.json").write_text("{}")
    assert dataset_digest(path, ARRAYS) == before


def test_the_two_forms_never_agree(path: Path) -> None:
    """Else a sampled digest could pass for a full one."""
    assert dataset_digest(path, ARRAYS, 0) != dataset_digest(path, ARRAYS, 1 << 30)


def test_large_sets_are_sampled_at_the_edges_of_each_chunk(path: Path) -> None:
    """The documented limit: a change in the middle of a big chunk that keeps its length goes unseen."""
    chunk = path / "agents" / "0"
    chunk.write_bytes(bytes(20_000))
    before = dataset_digest(path, ARRAYS, 0), dataset_digest(path, ARRAYS)
    chunk.write_bytes(bytes(10_000) + b"x" + bytes(9_999))
    after = dataset_digest(path, ARRAYS, 0), dataset_digest(path, ARRAYS)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_an_unreadable_array_is_a_dataset_error(path: Path) -> None:
    """It vanished since the dataset was opened."""
    dataset = Dataset.open(path)
    shutil.rmtree(path / "frames")
    with pytest.raises(DatasetError, match="cannot read"):
        _ = dataset.digest
