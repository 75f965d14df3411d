"""What every table is made of: named constraints, times with zones, words as checked text."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from pydantic import JsonValue
from sqlalchemy import DateTime, Enum, MetaData, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""A migration can only drop or change what has a name that it can know."""

JsonObject = dict[str, JsonValue]


class Base(DeclarativeBase):
    """Base of all models."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy declares it as a plain class attribute
        datetime: DateTime(timezone=True),
        str: String(255),
        UUID: Uuid,
        JsonObject: JSONB(none_as_null=True),
    }


def to_json(value: object) -> str:
    """`value` as compact JSON, as it goes into JSONB columns."""
    return msgspec.json.encode(value).decode()


def words(kind: type[StrEnum], length: int = 50) -> Enum:
    """A column type for the words of `kind`: text with a check, so that adding one is no type change."""
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("_")
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=length,
        name=name,
        values_callable=lambda enum: [member.value for member in enum],
    )
