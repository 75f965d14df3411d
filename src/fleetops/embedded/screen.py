"""What `fleetops demo` shows: a live table on a terminal, lines everywhere else."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ..contracts.anomalies import Anomaly
from ..contracts.vocabulary import AnomalyType, Severity
from ..contracts.wire import format_utc_ms
from .findings import Findings, key_feature

STYLES = {Severity.INFO: "cyan", Severity.WARNING: "yellow", Severity.CRITICAL: "bold red"}
ROWS = 15
REFRESH_HZ = 8


class Screen(Protocol):
    """Where a demo tells what it does and what was found."""

    def say(self, text: str) -> None:
        """One step, or one event, in a sentence."""

    def found(self, anomaly: Anomaly) -> None:
        """An anomaly, as it is detected."""

    def progress(self, text: str) -> None:
        """How far the replay is; replaces what was said before."""


class Lines:
    """One line for each thing, for pipes, logs and dumb terminals."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def say(self, text: str) -> None:
        """Print `text`."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def found(self, anomaly: Anomaly) -> None:
        """Print the anomaly's columns."""
        self.say("  ".join(column for column in _columns(anomaly) if column))

    def progress(self, text: str) -> None:
        """Nothing: lines that replace each other need a terminal."""


class LiveTable:
    """The newest anomalies as a table that stays at the bottom, with the progress below it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: deque[Anomaly] = deque(maxlen=min(ROWS, max(3, console.height - 8)))
        self._progress = ""
        self._live = Live(console=console, refresh_per_second=REFRESH_HZ, get_renderable=self.picture)

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress = ""
        self._live.stop()

    def say(self, text: str) -> None:
        """Print `text` above the table."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def found(self, anomaly: Anomaly) -> None:
        """Add a row; the oldest goes."""
        self._rows.append(anomaly)

    def progress(self, text: str) -> None:
        """Show `text` below the table."""
        self._progress = text

    def picture(self) -> RenderableType:
        """What stands at the bottom of the terminal now."""
        if not self._rows:
            return Text(self._progress, style="dim")
        table = Table(
            "event time", "vehicle", "anomaly", "severity", "status", "rule", "value against threshold",
            expand=True, title="Anomalies as they are detected", title_justify="left",
        )  # fmt: skip
        for anomaly in self._rows:
            style = STYLES[anomaly.severity] if key_feature(anomaly) else "dim"
            table.add_row(*map(escape, _columns(anomaly)), style=style)
        return Group(table, Text(self._progress, style="dim"))


def _columns(anomaly: Anomaly) -> tuple[str, ...]:
    return (
        format_utc_ms(anomaly.event_time)[11:23],
        anomaly.vehicle_id,
        anomaly.anomaly_type,
        anomaly.severity,
        anomaly.status,
        anomaly.triggered_rule,
        key_feature(anomaly),
    )


def screen_for(console: Console) -> Lines | LiveTable:
    """The screen that suits `console`."""
    return LiveTable(console) if console.is_terminal else Lines(console)


def summary(findings: Findings) -> RenderableType:
    """Raised anomalies per type and severity as a table."""
    table = Table("anomaly", *Severity, "raised", title="Anomalies raised", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in AnomalyType:
        counts = [findings.raised[kind, severity] for severity in Severity]
        table.add_row(kind, *map(str, counts), str(sum(counts)))
    return table
