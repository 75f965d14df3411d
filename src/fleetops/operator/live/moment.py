"""The fleet at one tick, encoded at most once for each kind of console, and only if one wants it."""

from __future__ import annotations

from functools import cached_property

from .fleet import LiveFleet, Moves
from .frame import encode_frame
from .hub import Message
from .picture import encode_all, encode_moves, encode_names, encode_progress


class Moment:
    """What the ticker shows. It must be given to all consoles before the fleet changes again."""

    def __init__(self, fleet: LiveFleet, moves: Moves, server_ms: int, *, with_progress: bool) -> None:
        """`with_progress`: tell consoles with binary positions how far the scenes are."""
        self._fleet, self._moves, self._server_ms, self._with_progress = fleet, moves, server_ms, with_progress

    def names(self) -> str | None:
        """Which numbers stand for which vehicles, of those that are new."""
        return self._names

    def changes(self, binary: bool) -> tuple[Message, ...]:
        """What changed since the last tick."""
        return self._binary_changes if binary else self._json_changes

    def everything(self, binary: bool) -> tuple[Message, ...]:
        """The whole fleet."""
        return self._binary_everything if binary else self._json_everything

    @cached_property
    def _names(self) -> str | None:
        return encode_names(self._moves.new) if self._moves.new else None

    @cached_property
    def _json_changes(self) -> tuple[Message, ...]:
        return (encode_moves(self._fleet, self._moves, self._server_ms),)

    @cached_property
    def _json_everything(self) -> tuple[Message, ...]:
        return whole_fleet(self._fleet, self._server_ms, binary=False, emitted_ms=self._moves.emitted_ms)

    @cached_property
    def _binary_changes(self) -> tuple[Message, ...]:
        moves, server_ms = self._moves, self._server_ms
        frame = encode_frame(self._fleet, moves.tracks, moves.gone_numbers, moves.emitted_ms, server_ms, full=False)
        return (encode_progress(self._fleet, server_ms), frame) if self._with_progress else (frame,)

    @cached_property
    def _binary_everything(self) -> tuple[Message, ...]:
        return whole_fleet(self._fleet, self._server_ms, binary=True, emitted_ms=self._moves.emitted_ms)


def whole_fleet(
    fleet: LiveFleet, server_ms: int, *, binary: bool, emitted_ms: int | None = None
) -> tuple[Message, ...]:
    """Every vehicle there is, for a console that begins or has missed some."""
    if not binary:
        return (encode_all(fleet, emitted_ms, server_ms),)
    frame = encode_frame(fleet, list(fleet.tracks.values()), [], emitted_ms, server_ms, full=True)
    return (encode_progress(fleet, server_ms), frame)
