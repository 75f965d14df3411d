"""Log lines carry the agreed fields, from whatever thread, and no secrets."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from fleetops.log import LogFormat, configure_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[Any]:
    """What was logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_names_its_service_whatever_the_thread(stream: io.StringIO) -> None:
    """Threads do not inherit context variables, and libraries know nothing of ours."""
    configure_logging("replay-service", stream=stream)
    structlog.get_logger().info("replay_started", session_id="s")
    thread = threading.Thread(target=lambda: structlog.get_logger().warning("replay_paused"))
    thread.start()
    thread.join()
    logging.getLogger("some.library").error("said something")
    logged = lines(stream)
    assert [(line["service"], line["event_type"], line["level"]) for line in logged] == [
        ("replay-service", "replay_started", "INFO"),
        ("replay-service", "replay_paused", "WARNING"),
        ("replay-service", "said something", "ERROR"),
    ]
    assert logged[0]["session_id"] == "s"
    assert logged[0]["timestamp"].endswith("Z")


@pytest.mark.parametrize("fmt", ["json", "console"])
def test_tracebacks_show_no_local_variables(stream: io.StringIO, fmt: LogFormat) -> None:
    """They hold whatever a function was given, tokens included; the frames and the error are there."""
    configure_logging("replay-service", fmt=fmt, stream=stream)

    def fail(given: str) -> None:
        raise RuntimeError(f"no luck with something of {len(given)} letters")

    try:
        fail("-".join(["the", "secret", "token"]))
    except RuntimeError:
        structlog.get_logger().exception("request_failed")
    assert "no luck with something of 16 letters" in stream.getvalue()
    assert "the-secret-token" not in stream.getvalue()
