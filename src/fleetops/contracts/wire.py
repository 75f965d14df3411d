"""How values look on the wire: UTC times with milliseconds, models strict on write, tolerant on read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer


def format_utc_ms(moment: datetime) -> str:
    """ISO 8601 in UTC with exactly three decimals: `2019-10-23T16:07:43.319Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_from_ms(epoch_ms: int) -> datetime:
    """The UTC time `epoch_ms` milliseconds after 1970. Exact: no float in between."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)


def format_epoch_ms(epoch_ms: int) -> str:
    """`epoch_ms` as it goes on the wire."""
    return format_utc_ms(utc_from_ms(epoch_ms))


FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 9998
"""Bounds of what is taken as a time. Beyond, its UTC may have no year to be written in, and the first
and last moment that Python knows are infinite to PostgreSQL: what is stored so cannot be read again."""


def in_utc(moment: datetime) -> datetime:
    """`moment` in UTC.

    Raises:
        ValueError: its year is out of bounds.
    """
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"expected a time of the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""A point in time that somebody gives us, with its zone; in UTC from then on."""

UtcMs = Annotated[
    Moment,
    PlainSerializer(format_utc_ms, return_type=str, when_used="json"),
]
"""A point in time, in UTC, milliseconds on the wire."""


class WireModel(BaseModel):
    """Base of every message. Frozen; refuses unknown fields where we build one ourselves.

    Reading is tolerant: `read` drops unknown fields, so that a newer producer's
    additions do not send its messages to `dead_letters`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_bytes="utf8")

    @classmethod
    def read(cls, raw: bytes | str) -> Self:
        """Parse `raw` JSON, ignoring unknown fields at every depth.

        Raises:
            pydantic.ValidationError: a field is missing or has the wrong type.
        """
        return cls.model_validate_json(raw, extra="ignore")

    def write(self) -> bytes:
        """This message as compact JSON in UTF-8."""
        return self.model_dump_json().encode()
