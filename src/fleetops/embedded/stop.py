"""Ctrl-C and its kin, as a flag that the demo looks at wherever it waits."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SLICE_S = 0.05  # a sleep goes on after a signal handler returns, so waits are cut into these

Handler = signal.Handlers | Callable[[int, FrameType | None], object] | int | None


class StopRequested(BaseException):
    """A person or the system asked us to end; `number` is the signal that said so."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program ended by that signal: 130 after Ctrl-C."""
        return 128 + self.number


class StopRequest:
    """Collects stop signals while the `with` block runs; a second one calls `insist`."""

    def __init__(self) -> None:
        self.insist: Callable[[], None] = lambda: None
        self._number: int | None = None
        self._previous: dict[
            signal.Signals, signal.Handlers | Callable[[int, FrameType | None], object] | int | None
        ] = {}

    def __enter__(self) -> StopRequest:
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises StopRequested once a signal has come."""
        if self._number is not None:
            raise StopRequested(self._number)

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`; raises StopRequested as soon as a signal comes."""
        deadline = time.monotonic() + seconds
        self.check()
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(SLICE_S, left))
            self.check()

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._number is None:
            self._number = number
        else:
            self.insist()
