"""A load balancer of the simplest kind: each new connection goes to the next replica that listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class RoundRobin:
    """Passes bytes on and looks at none of them; so nothing can stick to a replica."""

    ports: Sequence[int]
    port: int = 0
    taken: Counter[int] = field(default_factory=Counter)
    """How many connections each replica was given."""
    _turn: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RoundRobin]:
        """It listens on a free port until this ends."""
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        replica = await self._next()
        if replica is None:
            writer.close()
            return
        behind_reader, behind_writer = replica
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, behind_writer))
                both.create_task(_copy(behind_reader, writer))
        finally:
            writer.close()
            behind_writer.close()

    async def _next(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self.ports:
            self._turn += 1
            port = self.ports[self._turn % len(self.ports)]
            with contextlib.suppress(OSError):
                streams = await asyncio.open_connection("127.0.0.1", port)
                self.taken[port] += 1
                return streams
        return None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; then the other is told so."""
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
