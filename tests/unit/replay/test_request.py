"""What may be asked of a replay."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fleetops.replay.request import ReplayRequest
from fleetops.replay.schemas import RateChange


@pytest.mark.parametrize("rate", [0.001, 0.099])
def test_a_rate_at_which_detection_would_give_up_between_frames_is_refused(rate: float) -> None:
    """At the start and on the way, and the refusal says what is allowed."""
    allowed = "must be 0, as fast as the broker takes it, or at least 0.1"
    with pytest.raises(ValidationError, match=allowed):
        ReplayRequest(scene_ids=["scene_00000"], replay_rate_hz=rate)
    with pytest.raises(ValidationError, match=allowed):
        RateChange(session_id="s", replay_rate_hz=rate)


@pytest.mark.parametrize("rate", [0, 0.1, 1000])
def test_the_bounds_themselves_are_allowed(rate: float) -> None:
    """And 0, which is no slow rate but the fastest."""
    assert ReplayRequest(scene_ids=["scene_00000"], replay_rate_hz=rate).replay_rate_hz == rate
    assert RateChange(session_id="s", replay_rate_hz=rate).replay_rate_hz == rate
