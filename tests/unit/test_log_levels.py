"""What is below the level is not said."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from fleetops.log import configure_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_below_the_level_nothing_is_said(stream: io.StringIO) -> None:
    """INFO is silent at WARNING."""
    configure_logging("replay-service", "WARNING", stream=stream)
    structlog.stdlib.get_logger("x").info("frame_sent")
    structlog.stdlib.get_logger("x").warning("broker_lost")
    assert [json.loads(line)["event_type"] for line in stream.getvalue().splitlines()] == ["broker_lost"]
