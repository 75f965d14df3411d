"""Which frames may have reached Kafka, known before they do: a manoeuvre begins behind them."""

from __future__ import annotations

import math
from typing import Final

from .book import Book
from .timeline import Step, Tick

_AHEAD_S: Final = 2.0
"""The journal is written every second or so, and the disk may be slow. So long, at most, does a command wait that
came to a service started again."""

_AHEAD_AT_LEAST: Final = 30
_AHEAD_UNPACED: Final = 2_000
"""Frames, at rate 0: about a second of them."""


class Reservation:
    """Keeps the journal ahead of what is sent. For one thread.

    After kill -9 the journal's acknowledged frames are a second old: those behind them may have
    been delivered, as recorded. None of them must be sent again with another content.
    """

    def __init__(self, book: Book, *, restored: bool) -> None:
        self._book, self._restored = book, restored
        self._reserved: dict[str, int] = {}
        self._kept = dict(book.wanted.reserved)
        """By scene, what the journal holds for certain."""
        self._sent = dict(book.wanted.reserved)

    def may_begin(self, step: Step, rate_hz: float) -> bool:
        """Whether this frame has certainly not been sent before."""
        return step.frame_index > self._sent_of(step, rate_hz)

    def cover(self, tick: Tick, rate_hz: float) -> None:
        """See that the journal covers the frames of `tick`.

        It is told when half of what was told is left, and waited for where that may not be written: hardly ever.
        """
        ahead = _ahead(rate_hz)
        untold = {
            # What a process before this one may have sent stays said, however far behind it this one begins.
            step.span.scene_id: max(step.frame_index + ahead, self._sent.get(step.span.scene_id, -1))
            for step in tick
            if step.frame_index + ahead // 2 > self._reserved.get(step.span.scene_id, -1)
        }
        if untold:
            self._reserved |= untold
            self._book.reserve(untold)
        if any(step.frame_index > self._kept.get(step.span.scene_id, _unsaid(step)) for step in tick):
            self._book.await_reserved()
            self._kept = dict(self._reserved)

    def sent(self, tick: Tick, rate_hz: float) -> None:
        """Note the frames of `tick`."""
        for step in tick:
            self._sent[step.span.scene_id] = max(self._sent_of(step, rate_hz), step.frame_index)

    def settle(self) -> None:
        """Say what was sent indeed: nothing more is."""
        self._book.reserve(self._sent)
        self._reserved, self._kept = {}, {}

    def _sent_of(self, step: Step, rate_hz: float) -> int:
        # A process before this one may have begun the scene and not come to say so.
        unknown = step.span.start_frame + _ahead(rate_hz) if self._restored else -1
        return self._sent.setdefault(step.span.scene_id, unknown)


def _unsaid(step: Step) -> int:
    """The frame that a process after this one takes for the last one sent, at least, where the journal says none."""
    return step.span.start_frame + _AHEAD_AT_LEAST


def _ahead(rate_hz: float) -> int:
    return max(_AHEAD_AT_LEAST, math.ceil(_AHEAD_S * rate_hz)) if rate_hz else _AHEAD_UNPACED
