"""How often something may be tried: a sliding window per caller, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

_MAX_CALLERS: Final = 10_000


class RateLimit:
    """At most `attempts` of each caller in any `window_s` seconds."""

    def __init__(self, attempts: int, window_s: float) -> None:
        self._attempts, self._window_s = attempts, window_s
        self._tried: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, caller: str, now_s: float) -> bool:
        """Count an attempt of `caller` at `now_s` (monotonic seconds); False when it is one too many.

        An attempt that is refused does not count, so that a caller who waits gets through.
        """
        tried = self._tried.setdefault(caller, deque())
        self._tried.move_to_end(caller)
        while tried and now_s - tried[0] >= self._window_s:
            tried.popleft()
        if len(self._tried) > _MAX_CALLERS:
            self._tried.popitem(last=False)
        if len(tried) >= self._attempts:
            return False
        tried.append(now_s)
        return True

    def give_back(self, caller: str) -> None:
        """Take back the last attempt of `caller`: it was no guess."""
        tried = self._tried.get(caller)
        if tried:
            tried.pop()
