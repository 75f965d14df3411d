"""Writing what changed in few statements, however many rows it is."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstanceState
from sqlalchemy.orm.attributes import flag_modified


async def flush_evenly(session: AsyncSession) -> None:
    """Write what changed in `session`, with one batch of UPDATEs for each table.

    By itself the ORM sends neighbouring rows in one batch only where the same columns of them
    changed. Of a batch of 1,000 anomalies that made 500 round trips: each waits for its own answer.
    """
    by_table: defaultdict[str, list[InstanceState[object]]] = defaultdict(list)
    for changed in session.dirty:
        state: InstanceState[object] = inspect(changed)
        by_table[state.mapper.local_table.description].append(state)
    for states in by_table.values():
        columns = {name for state in states for name in state.committed_state}
        for state in states:
            for name in columns:  # also where it was set to what it was before, which the ORM leaves out
                flag_modified(state.obj(), name)
    await session.flush()
