"""The life of a session: running, paused, and then for ever stopped, completed or failed. Pure."""

from __future__ import annotations

from enum import StrEnum

from fleetops.errors import ConflictError


class SessionStatus(StrEnum):
    """Where a session stands."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Whether the session still has something to send, and goes on after a restart."""
        return self in {SessionStatus.RUNNING, SessionStatus.PAUSED}


class Command(StrEnum):
    """What can be asked of a session."""

    PAUSE = "pause"
    RESUME = "resume"
    STEP = "step"
    CHANGE_RATE = "change its rate"
    STOP = "stop"


_AFTER = {
    (SessionStatus.RUNNING, Command.PAUSE): SessionStatus.PAUSED,
    (SessionStatus.PAUSED, Command.RESUME): SessionStatus.RUNNING,
    (SessionStatus.RUNNING, Command.STOP): SessionStatus.STOPPED,
    (SessionStatus.PAUSED, Command.STOP): SessionStatus.STOPPED,
    (SessionStatus.PAUSED, Command.STEP): SessionStatus.PAUSED,
    (SessionStatus.RUNNING, Command.STEP): SessionStatus.RUNNING,  # which refuses it for a reason of its own
    (SessionStatus.RUNNING, Command.CHANGE_RATE): SessionStatus.RUNNING,
    (SessionStatus.PAUSED, Command.CHANGE_RATE): SessionStatus.PAUSED,
    # Asked once more for what already holds, by a retry or by a second person: nothing changes.
    (SessionStatus.RUNNING, Command.RESUME): SessionStatus.RUNNING,
    (SessionStatus.PAUSED, Command.PAUSE): SessionStatus.PAUSED,
    (SessionStatus.STOPPED, Command.STOP): SessionStatus.STOPPED,
}


def advance(session_id: str, status: SessionStatus, command: Command) -> SessionStatus:
    """Where `command` leads from `status`.

    Raises:
        ConflictError: the session has ended, so it cannot.
    """
    try:
        return _AFTER[status, command]
    except KeyError:
        raise ConflictError(f"session {session_id} is {status}; it cannot {command} any more") from None
