"""The life of a session."""

from __future__ import annotations

import pytest

from fleetops.errors import ConflictError
from fleetops.replay.state import Command, SessionStatus, advance

R, P, S = SessionStatus.RUNNING, SessionStatus.PAUSED, SessionStatus.STOPPED
LEGAL = {
    (R, Command.PAUSE): P,
    (P, Command.PAUSE): P,
    (R, Command.RESUME): R,
    (P, Command.RESUME): R,
    (P, Command.STEP): P,
    (R, Command.STEP): R,
    (R, Command.CHANGE_RATE): R,
    (P, Command.CHANGE_RATE): P,
    (R, Command.STOP): S,
    (P, Command.STOP): S,
    (S, Command.STOP): S,
}


@pytest.mark.parametrize("status", SessionStatus)
@pytest.mark.parametrize("command", Command)
def test_every_command_in_every_state(status: SessionStatus, command: Command) -> None:
    """It leads where the table says, or is refused; what has ended stays so."""
    if (status, command) in LEGAL:
        assert advance("s", status, command) is LEGAL[status, command]
        return
    assert not status.is_open
    with pytest.raises(ConflictError, match=f"session s is {status}"):
        advance("s", status, command)
