"""What has to be looked after now and then: credentials that ended, rows that mean nothing any more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.db.failures import unavailable
from fleetops.db.transaction import transact

from . import people
from .live.hub import Hub

log = structlog.stdlib.get_logger()

_EVERY_S: Final = 15.0  # how long a socket may outlive a session that was ended on another replica
_PRUNE_EVERY: Final = 40  # rounds: ten minutes


class Upkeep:
    """Closes sockets whose session or token ended, and prunes what access has left behind."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], hub: Hub) -> None:
        self._sessions, self._hub = sessions, hub

    async def run(self, stop: asyncio.Event) -> None:
        """Look after it until `stop` is set."""
        rounds = 0
        while not stop.is_set():
            try:
                await self.check_credentials(datetime.now(UTC))
                if rounds % _PRUNE_EVERY == 0:
                    await transact(self._sessions, lambda db: people.prune(db, datetime.now(UTC)))
            except Exception as error:
                if not unavailable(error):
                    raise
                log.warning("upkeep_postponed", reason=str(error) or type(error).__name__)
            rounds += 1
            try:
                await asyncio.wait_for(stop.wait(), _EVERY_S)
            except TimeoutError:
                continue

    async def check_credentials(self, now: datetime) -> None:
        """Close every socket whose credential no longer holds at `now`."""
        shown = {console.credential for console in self._hub.consoles}
        if not shown:
            return
        async with self._sessions() as db:
            valid = await people.still_valid(db, sorted(shown), now)
        for ended in shown - valid:
            self._hub.sign_out(ended)
