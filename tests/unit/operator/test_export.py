"""Exports: what other programs read is what there is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given
from pydantic import JsonValue

from fleetops.operator.export import ExportFormat, as_csv, as_json
from fleetops.operator.views import View


class Row(View):
    """Something to export."""

    row_id: UUID
    text: str
    number: float | None
    nested: dict[str, JsonValue]


PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).filter(
    lambda text: text[:1] not in {"=", "+", "-", "@", "\t", "\r"}
)
ROWS = st.lists(
    st.builds(
        Row,
        row_id=st.uuids(),
        text=PLAIN,
        number=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        nested=st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3),
    ),
    max_size=7,
)


async def written(chunks: AsyncIterator[bytes]) -> str:
    """All of a file."""
    return b"".join([chunk async for chunk in chunks]).decode()


async def paged(rows: Sequence[Row], size: int) -> AsyncIterator[Sequence[Row]]:
    """In pages of a size; the last may be empty."""
    for start in range(0, len(rows) + 1, size):
        yield rows[start : start + size]


@given(rows=ROWS, size=st.integers(1, 4))
async def test_csv_is_read_as_it_was(rows: list[Row], size: int) -> None:
    """Quotes, commas, line breaks and any script survive; what nests is JSON, what is not there is empty."""
    text = await written(as_csv(("row_id", "text", "number", "nested"), paged(rows, size)))
    header, *lines = list(csv.reader(io.StringIO(text, newline="")))
    assert header == ["row_id", "text", "number", "nested"]
    assert [(line[0], line[1]) for line in lines] == [(str(row.row_id), row.text) for row in rows]
    assert [float(line[2]) if line[2] else None for line in lines] == [row.number for row in rows]
    assert [json.loads(line[3]) for line in lines] == [row.nested for row in rows]


@given(rows=ROWS, size=st.integers(1, 4))
async def test_json_is_one_document_of_the_lists_form(rows: list[Row], size: int) -> None:
    """However it was paged, also with nothing in it."""
    document = json.loads(await written(as_json("rows", paged(rows, size))))
    assert document == {"rows": [row.model_dump(mode="json") for row in rows]}


async def test_a_spreadsheet_runs_nothing_that_is_in_a_cell() -> None:
    """What it would take for a formula is quoted."""
    row = Row(row_id=UUID(int=1), text='=HYPERLINK("http://x")', number=-1.5, nested={})
    text = await written(as_csv(("text", "number"), paged([row], 10)))
    assert list(csv.reader(io.StringIO(text)))[1] == ['\'=HYPERLINK("http://x")', "-1.5"]


def test_the_formats_are_called_what_http_calls_them() -> None:
    """A browser saves the one and shows the other."""
    assert ExportFormat.CSV.media_type.startswith("text/csv")
    assert ExportFormat.JSON.media_type == "application/json"
