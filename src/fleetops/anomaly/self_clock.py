"""A live vehicle sends no frame markers: it is its own clock.

Each such vehicle is a scene of its own to the engine, and this module sends the markers it
lacks: one with each record, and some while it is silent by the wall clock. So the engine
needs to know nothing of live vehicles: a frame is evaluated when it arrives in order, or
when one two frames newer arrives.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from fleetops.errors import ContractError

from .windows import REORDER_FRAMES

_KEPT_IDS = 16
_BEHIND_AT_MOST = 3
"""So many records in a row from before what was heard, and unknown: the vehicle counts its frames anew."""

_DEFAULT_RATE_HZ = 10.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A marker to be made: a frame is over, or with it the vehicle's whole sequence."""

    frame: int
    start_frame: int
    ends: bool = False


class VehicleClock:
    """The clock of one live vehicle.

    Args:
        settle_frames: silence after which nothing of the vehicle matters any more.
    """

    def __init__(self, settle_frames: int) -> None:
        self._settle_frames = settle_frames
        self._start: int | None = None
        self._heard_frame = 0  # newest frame the vehicle sent
        self._ticked_frame = 0  # newest frame said to be over, sent or not
        self._heard_at_s = 0.0
        self._period_s = 1 / _DEFAULT_RATE_HZ
        self._behind = 0
        self._ids: OrderedDict[int, UUID] = OrderedDict()

    @staticmethod
    def parse_event_id(text: str) -> UUID:
        """The id that a producer gave its record; we cannot derive it, as we do for replayed vehicles.

        Raises:
            ContractError: it is not a UUID.
        """
        try:
            return UUID(text)
        except ValueError as error:
            raise ContractError(f"event_id is not a UUID: {text!r}") from error

    def heard(self, frame: int, event_id: UUID, rate_hz: float, clock_s: float) -> tuple[list[Tick], list[Tick]]:
        """The markers to send before and after the record of `frame`."""
        known = self._ids.get(frame) == event_id
        self._remember(frame, event_id)
        self._period_s = 1 / (rate_hz or _DEFAULT_RATE_HZ)
        if self._start is None:
            self._begin(frame)
        elif frame < self._heard_frame - REORDER_FRAMES and not known:
            self._behind += 1
            if self._behind < _BEHIND_AT_MOST:
                return [], []
            return self._begin_anew(frame, clock_s)
        elif self._heard_frame < frame <= self._ticked_frame - REORDER_FRAMES or self._is_far_on(frame):
            # Back after a silence that was told already, or so far on that nothing before matters.
            return self._begin_anew(frame, clock_s)
        self._heard_at_s = clock_s
        self._behind = 0
        before = [Tick(missed, self._first) for missed in range(self._ticked_frame + 1, frame)]
        self._heard_frame = max(self._heard_frame, frame)
        self._ticked_frame = max(self._ticked_frame, frame)
        return before, [Tick(self._ticked_frame, self._first)]

    def passed(self, clock_s: float) -> list[Tick]:
        """The markers of the frames in which the vehicle should have been heard by now."""
        if self._start is None:
            return []
        missed = int((clock_s - self._heard_at_s) / self._period_s) - 1
        last = self._heard_frame + min(missed, self._settle_frames)
        ticks = [Tick(frame, self._start) for frame in range(self._ticked_frame + 1, last + 1)]
        self._ticked_frame = max(self._ticked_frame, last)
        if missed >= self._settle_frames:
            ticks.append(Tick(self._ticked_frame, self._start, ends=True))
            self._start = None
        return ticks

    def event_id(self, frame: int) -> UUID | None:
        """Id of the record of `frame`, while it is remembered."""
        return self._ids.get(frame)

    def ms_since_heard(self, frame: int) -> int:
        """How long after the newest record the time of `frame` lies, ms."""
        return max(0, round((frame - self._heard_frame) * self._period_s * 1000))

    @property
    def _first(self) -> int:
        return 0 if self._start is None else self._start

    def _is_far_on(self, frame: int) -> bool:
        return frame > self._ticked_frame + self._settle_frames

    def _begin_anew(self, frame: int, clock_s: float) -> tuple[list[Tick], list[Tick]]:
        end = Tick(self._ticked_frame, self._first, ends=True)
        self._begin(frame)
        self._heard_at_s = clock_s
        self._behind = 0
        return [end], [Tick(frame, frame)]

    def _begin(self, frame: int) -> None:
        self._start = self._heard_frame = self._ticked_frame = frame

    def _remember(self, frame: int, event_id: UUID) -> None:
        self._ids[frame] = event_id
        while len(self._ids) > _KEPT_IDS:
            self._ids.popitem(last=False)
