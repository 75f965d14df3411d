"""Rows of zarr arrays, read by whole chunks that stay in memory up to a bound.

A scene is read many times (replay, review, backtest) and a dataset may be far bigger than
memory. So a chunk is decompressed once, and the one used longest ago goes first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol

import numpy as np

from fleetops.errors import DatasetError

from .block import Rows


class ZarrArray(Protocol):
    """The little of `zarr.Array` that we use."""

    dtype: np.dtype[np.void]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    nchunks: int
    nchunks_initialized: int

    def __getitem__(self, rows: slice) -> Rows: ...


class ChunkCache:
    """Decompressed chunks of several arrays, at most `limit_bytes` of them (or the last one, if bigger).

    Safe for threads. Two that miss the same chunk at once both decompress it: cheaper
    than making everyone wait for one.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._chunks: OrderedDict[tuple[str, int], Rows] = OrderedDict()
        self._lock = threading.Lock()
        self.held_bytes = 0

    def get(self, key: tuple[str, int]) -> Rows | None:
        """The chunk, which is now the one used last, or None."""
        with self._lock:
            chunk = self._chunks.get(key)
            if chunk is not None:
                self._chunks.move_to_end(key)
            return chunk

    def put(self, key: tuple[str, int], chunk: Rows) -> None:
        """Keep a chunk, letting go of others where the bound asks for it."""
        with self._lock:
            if key in self._chunks:
                return
            self._chunks[key] = chunk
            self.held_bytes += chunk.nbytes
            while self.held_bytes > self._limit and len(self._chunks) > 1:
                _, oldest = self._chunks.popitem(last=False)
                self.held_bytes -= oldest.nbytes


class ChunkedRows:
    """One array's rows, through the cache. Only the chunks that a request touches are read."""

    def __init__(self, name: str, array: ZarrArray, cache: ChunkCache) -> None:
        self._name, self._array, self._cache = name, array, cache
        self._chunk_rows = array.chunks[0]

    def __len__(self) -> int:
        return self._array.shape[0]

    def read(self, start: int, end: int) -> Rows:
        """Rows [start, end), read-only; a view where they lie in one chunk.

        Raises:
            DatasetError: a chunk cannot be decompressed.
        """
        size = self._chunk_rows
        if start >= end:
            return np.empty(0, self._array.dtype)
        first, last = start // size, (end - 1) // size
        parts = [
            self._chunk(index)[max(start - index * size, 0) : end - index * size] for index in range(first, last + 1)
        ]
        if len(parts) == 1:
            return parts[0]
        rows = np.concatenate(parts)
        rows.setflags(write=False)
        return rows

    def _chunk(self, index: int) -> Rows:
        key = (self._name, index)
        chunk = self._cache.get(key)
        if chunk is None:
            size = self._chunk_rows
            try:
                chunk = self._array[index * size : min((index + 1) * size, len(self))]
            except Exception as error:
                raise DatasetError(
                    f"chunk {index} of array {self._name!r} cannot be read ({error}); "
                    "the dataset is damaged, copy it again"
                ) from error
            chunk.setflags(write=False)
            self._cache.put(key, chunk)
        return chunk
