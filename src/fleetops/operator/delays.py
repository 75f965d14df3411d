"""How long the service waits before it acts by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fleetops.settings import OperatorSettings


@dataclass(frozen=True, slots=True)
class Delays:
    """From a condition's end to its alert's, and from a pull-over's command to its alert's end."""

    resolve: timedelta = timedelta(seconds=30)
    pull_over: timedelta = timedelta(seconds=5)

    @classmethod
    def of(cls, settings: OperatorSettings) -> Delays:
        """The delays that are configured."""
        return cls(timedelta(seconds=settings.resolve_delay_s), timedelta(seconds=settings.pull_over_delay_s))
