"""What the demo draws on a terminal, and what it prints elsewhere."""

from __future__ import annotations

import io

from rich.console import Console
from tests.unit.embedded.anomalies import an_anomaly

from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity
from fleetops.embedded.findings import Findings
from fleetops.embedded.screen import Lines, LiveTable, screen_for, summary


def _terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=160, height=30)


def _pipe() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, width=80)


def _text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_gets_the_table_and_a_pipe_gets_lines() -> None:
    """The screen follows what the output is."""
    assert isinstance(screen_for(_terminal()), LiveTable)
    assert isinstance(screen_for(_pipe()), Lines)


def test_a_line_is_whole_however_narrow_the_pipe() -> None:
    """Lines are for programs: one anomaly is one line, never wrapped, brackets in ids untouched."""
    console = _pipe()
    with screen_for(console) as screen:
        screen.found(an_anomaly(vehicle_id="scene_00000_track_[7]"))
    (line,) = _text(console).splitlines()
    assert "scene_00000_track_[7]" in line
    assert line.endswith("acceleration_magnitude 4.21 > 3 m/s2")


def test_the_table_shows_the_newest_and_the_progress() -> None:
    """Old rows make room; what is said stays above; the progress stands below."""
    console = _terminal()
    with screen_for(console) as screen:
        screen.say("broker is ready")
        for track in range(40):
            screen.found(an_anomaly(vehicle_id=f"scene_00000_track_{track}"))
        screen.progress("running: frame 39")
        with console.capture() as drawn:
            assert isinstance(screen, LiveTable)
            console.print(screen.picture())
    assert "broker is ready" in _text(console)
    assert "scene_00000_track_39" in drawn.get()
    assert "scene_00000_track_7 " not in drawn.get()
    assert "running: frame 39" in drawn.get()


def test_the_summary_adds_up() -> None:
    """Each type has its counts by severity and their sum; ends are not counted as raised."""
    findings = Findings("session_1")
    for severity in (Severity.WARNING, Severity.CRITICAL):
        findings.take(an_anomaly(severity=severity))
    findings.take(an_anomaly(status=AnomalyStatus.CLEARED))
    console = _pipe()
    console.print(summary(findings))
    row = next(line for line in _text(console).splitlines() if AnomalyType.SUDDEN_DECELERATION in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["sudden_deceleration", "0", "1", "1", "2"]
