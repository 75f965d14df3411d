"""What identifies a dataset's content: a sha256 that every copy of it shares.

Hashed are the arrays we read, in order of name: each one's metadata (as canonical JSON, so that
white space does not count) and its compressed chunks. Traffic lights and `meta.json` are left
out: no detection depends on them.

Cost decides how much of the chunks. Up to `FULL_HASH_BYTES` every byte counts: about a second.
Hashing L5Kit's training set (100 GB) would take minutes at every start, so beyond that a chunk counts
by name, length, and its first and last 4 KiB: two small reads a chunk. What that
misses is a change inside a chunk that keeps its compressed length, which no re-encoding of other
values is likely to do. The two forms never give equal digests.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from fleetops.errors import DatasetError

FULL_HASH_BYTES = 1 << 30
_EDGE_BYTES = 4096
_READ_BYTES = 1 << 20


def dataset_digest(root: Path, arrays: tuple[str, ...], full_hash_bytes: int = FULL_HASH_BYTES) -> str:
    """`sha256:<hex>` of the content of `arrays` below `root`.

    Raises:
        DatasetError: a file cannot be read.
    """
    try:
        chunks = {name: _chunk_files(root / name) for name in sorted(arrays)}
        whole = sum(size for files in chunks.values() for _, size in files) <= full_hash_bytes
        digest = hashlib.sha256(b"fleetops dataset, whole chunks\n" if whole else b"fleetops dataset, chunk edges\n")
        for name, files in chunks.items():
            metadata = json.loads((root / name / ".zarray").read_bytes())
            digest.update(f"{name} {json.dumps(metadata, sort_keys=True, separators=(',', ':'))}\n".encode())
            for path, size in files:
                digest.update(f"{path.name} {size}\n".encode())
                _hash_chunk(digest, path, size, whole=whole)
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {root} to identify it ({error})") from error
    return f"sha256:{digest.hexdigest()}"


def _chunk_files(folder: Path) -> list[tuple[Path, int]]:
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.stat().st_size) for entry in entries if entry.name.isdecimal()]
    return [(folder / name, size) for name, size in sorted(found, key=lambda chunk: int(chunk[0]))]


def _hash_chunk(digest: hashlib._Hash, path: Path, size: int, *, whole: bool) -> None:
    with path.open("rb") as file:
        if whole:
            while piece := file.read(_READ_BYTES):
                digest.update(piece)
        else:
            digest.update(file.read(_EDGE_BYTES))
            file.seek(max(size - _EDGE_BYTES, 0))
            digest.update(file.read(_EDGE_BYTES))
