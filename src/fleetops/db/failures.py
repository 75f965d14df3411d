"""What a database error means to whoever was in the middle of a transaction."""

from __future__ import annotations

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class UnreachableError(ConnectionError):
    """No connection to PostgreSQL could be made. As an error of its own, it is no other file or socket's."""


_TRY_AGAIN = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "55P03",  # lock_not_available
        "23505",  # unique_violation: somebody was first, and the next attempt will see what they did
    }
)
_GONE = frozenset({"25P03", "57P01", "57P02", "57P03", "53300"})
"""Idle too long in a transaction, shutting down, crashed, starting up, too many connections."""


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code for `error`, where it came from there."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None)
    return state if isinstance(state, str) else None


def worth_repeating(error: BaseException) -> bool:
    """Whether the same transaction, begun anew, may well succeed at once."""
    return sqlstate(error) in _TRY_AGAIN


def unavailable(error: BaseException) -> bool:
    """Whether the database is away: the same will succeed once it is back."""
    state = sqlstate(error)
    if state is not None:
        return state in _GONE or state.startswith("08")
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, InterfaceError)
    if isinstance(error, asyncpg.InternalClientError):
        # The driver has read the server's good-bye, but not yet that the connection is closed.
        return "cannot switch to state" in str(error)
    return isinstance(error, OSError | PoolTimeoutError | asyncpg.InterfaceError)


def unfit(error: BaseException) -> bool:
    """Whether the data itself cannot be stored, however often it is tried."""
    state = sqlstate(error)
    return state is not None and state[:2] in {"22", "23"} and state != "23505"
