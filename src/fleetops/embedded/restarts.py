"""How often a child may die: a pure policy, time comes in as an argument."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

PERMANENT_EXITS = frozenset({2, 3})  # configuration and dataset errors: the same at every start


@dataclass(slots=True)
class RestartPolicy:
    """Allows `limit` restarts within `window_s` seconds, each after a longer wait."""

    limit: int = 5
    window_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0
    _recent: deque[float] = field(default_factory=deque)

    def next_wait_s(self, exit_code: int | None, now_s: float) -> float | None:
        """Seconds to wait before the restart after this exit, or None when there must be none."""
        if exit_code in PERMANENT_EXITS:
            return None
        while self._recent and self._recent[0] <= now_s - self.window_s:
            self._recent.popleft()
        if len(self._recent) >= self.limit:
            return None
        wait_s = min(self.first_wait_s * 2.0 ** len(self._recent), self.longest_wait_s)
        self._recent.append(now_s)
        return wait_s
