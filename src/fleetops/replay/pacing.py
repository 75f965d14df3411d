"""When the next frame is due: absolute deadlines on a monotonic clock that is handed in.

Deadlines are counted from an anchor and not from the frame before, so that small delays
do not add up. After a long one the schedule starts anew instead of sending what was
missed in a bunch.
"""

from __future__ import annotations


class Pacer:
    """The schedule of one session. All times are seconds of the same monotonic clock."""

    def __init__(self, rate_hz: float, now: float) -> None:
        self._rate_hz = rate_hz
        self._anchor = now
        self._frames = 0

    @property
    def rate_hz(self) -> float:
        """Frames per second; 0 is as fast as they are taken."""
        return self._rate_hz

    def due(self, now: float) -> float:
        """When the next frame is due; `now` at rate 0."""
        return now if self._rate_hz == 0 else self._anchor + self._frames / self._rate_hz

    def sent(self, now: float) -> float:
        """Note that the frame due went out at `now`; how late that was, in seconds."""
        late = max(0.0, now - self.due(now))
        if self._rate_hz and late > 1 / self._rate_hz:
            self.restart(now)
        self._frames += 1
        return late

    def change_rate(self, rate_hz: float, now: float) -> None:
        """Go on at another rate: the next frame comes one new period after the last, or at once."""
        if rate_hz == self._rate_hz:
            return
        if self._rate_hz and self._frames and rate_hz:
            last = self._anchor + (self._frames - 1) / self._rate_hz
            self._anchor = max(now, last + 1 / rate_hz)
        else:
            self._anchor = now
        self._rate_hz, self._frames = rate_hz, 0

    def restart(self, now: float) -> None:
        """Count from `now`, where the next frame is due: after a pause or a long delay."""
        self._anchor, self._frames = now, 0
