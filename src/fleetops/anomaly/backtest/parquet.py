"""Anomalies and changes as Parquet, one row each. Needs the extra `backtest`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .compare import Change, moment
from .told import Told

_WORD = pa.dictionary(pa.int8(), pa.string())
_TIME = pa.timestamp("ms", tz="UTC")

ANOMALIES = pa.schema(
    [
        ("scene_id", pa.string()),
        ("frame_index", pa.int32()),
        ("vehicle_id", pa.string()),
        ("anomaly_type", _WORD),
        ("triggered_rule", _WORD),
        ("severity", _WORD),
        ("status", _WORD),
        ("event_time", _TIME),
        ("features", pa.map_(pa.string(), pa.float64())),
        ("link", pa.string()),
    ]
)
"""One row per anomaly message. A feature that the window could not tell is null."""

CHANGES = pa.schema(
    [
        ("change", _WORD),
        ("scene_id", pa.string()),
        ("frame_index", pa.int32()),
        ("vehicle_id", pa.string()),
        ("anomaly_type", _WORD),
        ("triggered_rule", _WORD),
        ("severity", _WORD),
        ("frame_index_before", pa.int32()),
        ("triggered_rule_before", _WORD),
        ("severity_before", _WORD),
        ("event_time", _TIME),
        ("link", pa.string()),
    ]
)
"""One row per episode that is not the same under both rule sets."""


def packed(told: Iterable[Told]) -> bytes:
    """Anomalies as an Arrow stream, to be handed from one process to another."""
    rows = sorted(told, key=lambda each: (each.finding.scene_id, each.finding.frame_index, each.finding.vehicle_id))
    table = _table(
        ANOMALIES,
        rows,
        {
            "scene_id": lambda each: each.finding.scene_id,
            "frame_index": lambda each: each.finding.frame_index,
            "vehicle_id": lambda each: each.finding.vehicle_id,
            "anomaly_type": lambda each: each.finding.anomaly_type.value,
            "triggered_rule": lambda each: each.rule,
            "severity": lambda each: each.finding.severity.value,
            "status": lambda each: each.finding.status.value,
            "event_time": lambda each: each.event_time_ms,
            "features": lambda each: list((each.features or {}).items()),
            "link": lambda each: moment(each.finding.scene_id, each.finding.vehicle_id, each.finding.frame_index),
        },
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


class ParquetFile:
    """A Parquet file that grows part by part, and appears under its name when it is complete.

    Args:
        facts: what the rows come from, kept in the file's metadata.
    """

    def __init__(self, path: Path, schema: pa.Schema, facts: Mapping[str, str]) -> None:
        self._path = path
        self._fresh = path.with_name(f".{path.name}.new")
        metadata = {f"fleetops.{name}": value for name, value in facts.items()}
        self._writer = pq.ParquetWriter(self._fresh, schema.with_metadata(metadata), compression="zstd")

    def add_packed(self, rows: bytes) -> None:
        """Append anomalies as `packed` made them."""
        self._add(pa.ipc.open_stream(rows).read_all())

    def add_changes(self, changes: Sequence[Change]) -> None:
        """Append changes."""
        self._add(
            _table(
                CHANGES,
                changes,
                {
                    "change": lambda each: each.kind.value,
                    "scene_id": lambda each: each.scene_id,
                    "frame_index": lambda each: each.frame_index,
                    "vehicle_id": lambda each: each.vehicle_id,
                    "anomaly_type": lambda each: each.anomaly_type.value,
                    "triggered_rule": lambda each: each.rule,
                    "severity": lambda each: each.severity,
                    "frame_index_before": lambda each: each.frame_before,
                    "triggered_rule_before": lambda each: each.rule_before,
                    "severity_before": lambda each: each.severity_before,
                    "event_time": lambda each: each.event_time_ms,
                    "link": lambda each: each.link,
                },
            )
        )

    def complete(self) -> None:
        """Give the file its name."""
        self._writer.close()
        self._fresh.replace(self._path)

    def _add(self, table: pa.Table) -> None:
        if len(table):
            self._writer.write_table(table.replace_schema_metadata(self._writer.schema.metadata))


def _table(schema: pa.Schema, rows: Sequence[Any], columns: Mapping[str, Callable[[Any], object]]) -> pa.Table:
    arrays = [pa.array([columns[field.name](row) for row in rows], _plain(field.type)) for field in schema]
    return pa.table([array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema)


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if kind == _WORD else kind
