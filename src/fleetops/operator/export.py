"""Rows as they leave for other programs: CSV for tables, JSON for the rest. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum

import msgspec
from pydantic import JsonValue

from .views import View


class ExportFormat(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """What HTTP calls it."""
        return "text/csv; charset=utf-8" if self is ExportFormat.CSV else "application/json"


async def as_csv(columns: Sequence[str], pages: AsyncIterator[Sequence[View]]) -> AsyncIterator[bytes]:
    """A header, and a line per row, page by page: these fields of it, RFC 4180, in UTF-8."""
    yield _lines([columns])
    async for page in pages:
        yield _lines([[_cell(row.get(name)) for name in columns] for row in _dumped(page)])


async def as_json(name: str, pages: AsyncIterator[Sequence[View]]) -> AsyncIterator[bytes]:
    """One object with the list `name`, page by page, of the form that REST answers with."""
    yield b'{"' + name.encode() + b'":['
    before = b""
    async for page in pages:
        for row in page:
            yield before + row.model_dump_json().encode()
            before = b","
    yield b"]}"


def _dumped(page: Sequence[View]) -> list[dict[str, JsonValue]]:
    return [row.model_dump(mode="json") for row in page]


def _cell(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # A spreadsheet would run what begins like this as a formula.
        return f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
    return msgspec.json.encode(value).decode()


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
