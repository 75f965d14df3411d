"""Cursors: there and back, and nothing else gets through."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fleetops.errors import InvalidRequestError
from fleetops.operator.api.paging import decode_cursor, decode_moment, encode_cursor, encode_moment


@given(moment=st.datetimes(timezones=st.just(UTC)), tie=st.uuids())
def test_a_cursor_brings_back_its_keys(moment: datetime, tie: UUID) -> None:
    """To the microsecond: a rounded one would repeat or skip a row."""
    assert decode_moment(encode_moment(moment, tie)) == (moment, tie)


@given(text=st.text(max_size=40))
def test_what_is_no_cursor_is_refused_and_never_crashes(text: str) -> None:
    """Whatever a client makes up is 422, never 500."""
    for decode in (decode_moment, lambda cursor: decode_cursor(cursor, 1)):
        with pytest.raises(InvalidRequestError):
            decode(text)


def test_a_cursor_of_another_list_is_refused() -> None:
    """One of the vehicles' does not page alerts; nor does what is no time with a zone, or beyond UTC's, or no text."""
    with pytest.raises(InvalidRequestError):
        decode_moment(encode_cursor("scene_001_track_7"))
    with pytest.raises(InvalidRequestError):
        decode_moment(encode_cursor("2026-01-01T00:00:00", "00000000-0000-0000-0000-000000000000"))
    with pytest.raises(InvalidRequestError):
        decode_moment(encode_cursor("0001-01-01T00:00:00+14:00", "00000000-0000-0000-0000-000000000000"))
    for nothing_of_ours in ("scene\0", "scene\ud800"):
        with pytest.raises(InvalidRequestError):
            decode_cursor(encode_cursor(nothing_of_ours), 1)
