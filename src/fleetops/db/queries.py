"""Small pieces of SQL that several rooms' queries are made of."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, String, Uuid, any_, cast
from sqlalchemy.orm import InstrumentedAttribute


def among(
    column: InstrumentedAttribute[str] | InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
    values: Collection[str] | Collection[UUID],
) -> ColumnElement[bool]:
    """Whether `column` is one of `values`: one bound array, so one prepared statement for any number."""
    kind = String() if isinstance(column.type, String) else Uuid()
    return column == any_(cast(list(values), ARRAY(kind)))
