"""One piece of work, one transaction, begun anew when another one stood in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from .failures import worth_repeating

T = TypeVar("T")

ATTEMPTS = 6
_FIRST_PAUSE_S = 0.01


async def transact(factory: async_sessionmaker[AsyncSession], work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Run `work` in a transaction and commit it.

    After a deadlock, a serialization failure or a lost race for a unique key, all of `work`
    runs again in a new transaction; so it must have no effect outside of its session.
    """
    for attempt in range(ATTEMPTS):
        try:
            async with factory() as session, session.begin():
                return await work(session)
        except DBAPIError as error:
            if attempt == ATTEMPTS - 1 or not worth_repeating(error):
                raise
        await asyncio.sleep(_FIRST_PAUSE_S * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")
