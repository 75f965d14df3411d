"""What `fleetops token` understands and shows."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from rich.console import Console

from fleetops.auth.roles import Role
from fleetops.errors import ConfigurationError
from fleetops.operator.token_commands import as_table, life_of
from fleetops.operator.tokens import Token

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("text", "life"), [(None, None), ("12h", timedelta(hours=12)), ("90d", timedelta(days=90))])
def test_a_time_to_hold_is_hours_or_days(text: str | None, life: timedelta | None) -> None:
    """Or for ever, when nothing is said."""
    assert life_of(text) == life


@pytest.mark.parametrize("text", ["", "0d", "-1d", "90", "90m", "1.5d", "999999d", "1d ", "\uff11d"])
def test_anything_else_is_refused_in_words(text: str) -> None:
    """Rather than made into a token that holds for another time than was meant."""
    with pytest.raises(ConfigurationError, match="12h or 90d"):
        life_of(text)


def test_the_table_says_until_when_each_holds() -> None:
    """In use, expired, revoked: at a glance, in UTC, and to the minute."""

    def token(name: str, expires: datetime | None = None, revoked: datetime | None = None) -> Token:
        return Token(uuid4(), name, Role.VIEWER, NOW - timedelta(days=9), "boss", expires, revoked)

    hour = timedelta(hours=1)
    tokens = [token("a"), token("b", NOW + hour), token("c", NOW - hour), token("d", revoked=NOW - hour)]
    text = io.StringIO()
    Console(file=text, width=200).print(as_table(tokens, NOW))
    told = [line.split("boss")[1].strip() for line in text.getvalue().splitlines() if "boss" in line]
    assert told == [
        "revoked by hand only",
        "2026-11-23 13:00 UTC",
        "expired 2026-11-23 11:00 UTC",
        "revoked 2026-11-23 11:00 UTC",
    ]
