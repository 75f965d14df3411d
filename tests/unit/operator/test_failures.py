"""Which errors of the driver mean that the database is away."""

from __future__ import annotations

import asyncpg
import pytest

from fleetops.db.failures import unavailable


@pytest.mark.parametrize(
    ("said", "away"),
    [("cannot switch to state 12; another operation (2) is in progress", True), ("unexpected message", False)],
)
def test_a_connection_that_was_just_told_good_bye(said: str, *, away: bool) -> None:
    """A backend that ends between two statements leaves the driver in a state that it calls an internal error."""
    assert unavailable(asyncpg.InternalClientError(said)) is away
