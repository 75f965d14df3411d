"""From one stream of events to many sockets, none of which can slow another.

Each message is encoded once for all who get it. A console keeps a bounded queue of events and
room for one picture of the fleet: the newest. Nobody waits here; each socket's own task sends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

from .events import CloseCode

MAX_QUEUED_EVENTS: Final = 10_000
"""About 10 MB of text, which all consoles share. A burst of that size is minutes of an alarm flood."""


Message = str | bytes
"""What one message of a socket is: JSON, or a frame of positions."""


class Picture(Protocol):
    """The fleet at one tick, for consoles that take JSON and for those that take `binary` positions."""

    def names(self) -> str | None:
        """Which numbers stand for which vehicles, of those new since the last tick; None where none are."""

    def changes(self, binary: bool) -> tuple[Message, ...]:
        """What changed since the last tick."""

    def everything(self, binary: bool) -> tuple[Message, ...]:
        """The whole fleet, for whoever missed changes."""


@dataclass(slots=True, eq=False)
class Console:
    """What one socket still has to be sent."""

    credential: str
    """Hash of the credential that it was opened with; empty for one that does not end."""
    binary: bool = False
    """Whether positions go to it as binary frames."""
    max_events: int = MAX_QUEUED_EVENTS
    sent_seq: int = 0
    """Events up to here were sent, in the snapshot or since."""
    closing: CloseCode | None = None
    dropped_pictures: int = 0
    _events: deque[tuple[int | None, str]] = field(default_factory=deque)
    _picture: tuple[Message, ...] | None = None
    _begun: deque[Message] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, seq: int) -> None:
        """Everything up to `seq`, and the picture as it is now, was sent, or is about to be."""
        self.sent_seq = seq
        self._picture = None

    def sees_everything(self) -> None:
        """The picture as it is now is about to be sent."""
        self._picture = None

    def offer_event(self, seq: int, text: str) -> None:
        """Queue an event, or give up on this console when it is too far behind."""
        self._queue(seq, text)

    def offer_picture(self, picture: Picture) -> None:
        """Have its changes sent next; where the last ones are still waiting, the whole fleet in place of both.

        Names are never dropped: later pictures use them.
        """
        if self.binary and (names := picture.names()) is not None:
            self._queue(None, names)
        if self.closing is not None:
            return
        if self._picture is None:
            self._picture = picture.changes(self.binary)
        else:
            self._picture = picture.everything(self.binary)
            self.dropped_pictures += 1
        self._wake.set()

    def close(self, code: CloseCode) -> None:
        """Have the socket closed with `code`, whatever else was to be sent."""
        if self.closing is None:
            self.closing = code
            self._events.clear()
            self._picture = None
            self._begun.clear()
            self._wake.set()
            self._closed.set()

    async def next_message(self) -> Message | None:
        """The next message to send, waiting for one; None when the socket is to be closed."""
        while self.closing is None:
            if self._begun:
                return self._begun.popleft()
            while self._events:
                seq, text = self._events.popleft()
                if seq is None:
                    return text
                if seq > self.sent_seq:
                    self.sent_seq = seq
                    return text
            if self._picture is not None:
                self._begun.extend(self._picture)
                self._picture = None
                continue
            self._wake.clear()
            await self._wake.wait()
        return None

    async def closed(self) -> CloseCode | None:
        """Wait until the socket is to be closed; the code to close it with."""
        await self._closed.wait()
        return self.closing

    def _queue(self, seq: int | None, text: str) -> None:
        if self.closing is not None:
            return
        if len(self._events) >= self.max_events:
            self.close(CloseCode.RESYNC)
            return
        self._events.append((seq, text))
        self._wake.set()


class Hub:
    """All consoles of this replica."""

    def __init__(self) -> None:
        self.consoles: set[Console] = set()
        self.last_seq = 0

    def publish(self, seq: int, text: str) -> None:
        """Give an event of the outbox to everyone."""
        self.last_seq = max(self.last_seq, seq)
        for console in self.consoles:
            console.offer_event(seq, text)

    def show(self, picture: Picture) -> None:
        """Give a picture of the fleet to everyone."""
        for console in self.consoles:
            console.offer_picture(picture)

    def sign_out(self, *credentials: str) -> None:
        """Close every socket that was opened with one of these credentials."""
        for console in self.consoles:
            if console.credential in credentials:
                console.close(CloseCode.SIGNED_OUT)
