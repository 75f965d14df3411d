"""What a person is told of a process: its end, its log."""

from __future__ import annotations

from pathlib import Path

from fleetops.embedded.process import describe_exit, rotate, tail


def test_an_exit_is_told_in_words() -> None:
    """A code is a code, and a negative one is the signal's name."""
    assert describe_exit(3) == "exited with code 3"
    assert describe_exit(-9) == "was ended by SIGKILL"


def test_rotation_keeps_the_newest_logs_in_order(tmp_path: Path) -> None:
    """Each start begins an empty log; of the older ones, the newest stay."""
    log = tmp_path / "broker.log"
    for run in range(5):
        rotate(log, keep=2)
        log.write_text(f"run {run}")
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"broker.log": "run 4", "broker.1.log": "run 3", "broker.2.log": "run 2"}


def test_the_tail_is_the_last_lines_only(tmp_path: Path) -> None:
    """Of a long log a person sees the end, and of a missing one that it is missing."""
    log = tmp_path / "x.log"
    assert "no log" in tail(log)
    log.write_text("")
    assert "empty" in tail(log)
    log.write_text("\n".join(f"line {number}" for number in range(10_000)))
    assert tail(log, lines=2) == "  | line 9998\n  | line 9999"
