"""What `fleetops token` says: tokens as a table, and how long one shall hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from rich.table import Table

from fleetops.errors import ConfigurationError

from .tokens import Token

_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST_DAYS: Final = 3660


def life_of(text: str | None) -> timedelta | None:
    """How long `90d` or `12h` is; None for ever.

    Raises:
        ConfigurationError: it is neither.
    """
    if text is None:
        return None
    stated = re.fullmatch(r"([1-9][0-9]{0,5})([hd])", text, re.ASCII)
    life = int(stated[1]) * _UNITS[stated[2]] if stated else None
    if life is None or life > timedelta(days=_LONGEST_DAYS):
        raise ConfigurationError(
            f"{text!r} is no time to hold: write hours or days, like 12h or 90d, ten years at most"
        )
    return life


def as_table(tokens: list[Token], now: datetime) -> Table:
    """`tokens` for a terminal. None of it is a secret."""
    table = Table("name", "role", "made", "by", "holds until", box=None)
    for token in tokens:
        table.add_row(
            token.name, token.role.value, _minute(token.created_at), token.created_by or "", _until(token, now)
        )
    return table


def _until(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return f"revoked {_minute(token.revoked_at)}"
    if token.expires_at is None:
        return "revoked by hand only"
    return f"expired {_minute(token.expires_at)}" if token.expires_at <= now else _minute(token.expires_at)


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
