"""`Idempotency-Key`: a request sent again is answered again, and done once."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.db.access import IdempotencyKey
from fleetops.errors import InvalidRequestError

A = TypeVar("A", bound=BaseModel)

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="makes a repeated POST one action; any string",
    ),
]


async def once(
    db: AsyncSession,
    *,
    operator_id: str,
    key: str | None,
    request: str,
    answer: type[A],
    work: Callable[[], Awaitable[A]],
) -> A:
    """What `work` answers, or answered when the caller used this key before.

    The key is taken in the transaction of the work: a copy that arrives meanwhile waits for
    it, and a request that failed leaves the key free. Keys are forgotten after a day.

    Raises:
        InvalidRequestError: the key was used for another request.
    """
    if key is None:
        return await work()
    digest = hashlib.sha256(request.encode()).hexdigest()
    mine = (IdempotencyKey.operator_id == operator_id) & (IdempotencyKey.key == key)
    taken = await db.scalar(
        insert(IdempotencyKey)
        .values(operator_id=operator_id, key=key, request_hash=digest)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    )
    if taken is None:
        before = (await db.scalars(select(IdempotencyKey).where(mine))).one()
        if before.request_hash != digest:
            raise InvalidRequestError("this Idempotency-Key was used for another request; take a new one")
        return answer.model_validate(before.response)
    result = await work()
    await db.execute(update(IdempotencyKey).where(mine).values(response=result.model_dump(mode="json")))
    return result
