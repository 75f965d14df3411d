"""Cursors: where a page ended, opaque to whoever carries it."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from uuid import UUID

from fleetops.errors import InvalidRequestError


def encode_cursor(*keys: str) -> str:
    """The sort keys of a page's last row as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, count: int) -> list[str]:
    """The `count` sort keys in `cursor`.

    Raises:
        InvalidRequestError: it is none of ours.
    """
    try:
        keys: object = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError("the cursor is not one that this service gave; start without it") from error
    texts = [key for key in keys if isinstance(key, str) and _storable(key)] if isinstance(keys, list) else []
    if keys != texts or len(texts) != count:
        raise InvalidRequestError("the cursor belongs to another list; start without it")
    return texts


def encode_moment(moment: datetime, tie: UUID) -> str:
    """Cursor of a list sorted by time, then id."""
    return encode_cursor(moment.isoformat(), str(tie))


def decode_moment(cursor: str) -> tuple[datetime, UUID]:
    """What `encode_moment` made the cursor of."""
    moment, tie = decode_cursor(cursor, 2)
    try:
        when, which = datetime.fromisoformat(moment), UUID(tie)
        when.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequestError("the cursor is not one that this service gave; start without it") from error
    if when.tzinfo is None:
        raise InvalidRequestError("the cursor is not one that this service gave; start without it")
    return when, which


def _storable(key: str) -> bool:
    """Whether PostgreSQL can hold it as text, so that it can be one of ours."""
    return "\0" not in key and not any("\ud800" <= character <= "\udfff" for character in key)
