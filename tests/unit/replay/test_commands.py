"""Operators' commands are heard in the order of their topic, and none is committed that is not in the journal."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pytest
from tests.unit.replay.orders import PULL_OVER, action_on, command

from fleetops.bus.producer import Producer
from fleetops.contracts.operations import OperatorAction, VehicleCommand
from fleetops.contracts.topics import Headers
from fleetops.contracts.vocabulary import ActionType
from fleetops.replay import commands as commands_module
from fleetops.replay.commands import CommandHandler


@dataclass(frozen=True)
class Sent:
    """A record that never saw a broker."""

    at: int
    raw: bytes | None

    def value(self) -> bytes | None:
        """What it says."""
        return self.raw

    def key(self) -> bytes | None:
        """Of no matter here."""
        return None

    def headers(self) -> Headers | None:
        """None."""
        return None

    def topic(self) -> str:
        """Where it lies."""
        return "operator_actions"

    def partition(self) -> int:
        """The only one."""
        return 0

    def offset(self) -> int:
        """Its place."""
        return self.at


class Bin:
    """Stands in for the producer of dead letters."""

    def __init__(self) -> None:
        self.buried: list[bytes] = []
        self.pending = 0

    def send(self, _topic: str, value: bytes, **_: object) -> None:
        """Note a dead letter."""
        self.buried.append(value)
        self.pending = 1

    def flush(self, **_: object) -> None:
        """They are through."""
        self.pending = 0


class Ear:
    """Hears commands, with a disk that may be full."""

    def __init__(self, full: Sequence[int] = ()) -> None:
        self.heard: list[int] = []
        self.full = list(full)

    def obey(self, _: OperatorAction, told: VehicleCommand) -> bool:
        """Note its number; or the disk is full for once."""
        if told.sequence in self.full:
            self.full.remove(told.sequence)
            raise OSError(28, "No space left on device")
        self.heard.append(told.sequence)
        return True


def sent(at: int, sequence: int, action: ActionType = PULL_OVER) -> Sent:
    """A command as it lies on the topic."""
    told = action_on("scene_1_track_4", action)
    return Sent(at, told.model_copy(update={"metadata": command(sequence).model_dump(mode="json")}).write())


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands_module, "_RETRY_S", 0.01)


def handler_of(ear: Ear, stop: threading.Event | None = None) -> tuple[CommandHandler, Bin]:
    """A handler, and where it buries what it cannot read."""
    dead = Bin()
    return CommandHandler(ear.obey, cast("Producer", dead), stop or threading.Event()), dead


def test_commands_are_heard_and_the_rest_is_passed_over() -> None:
    """An acknowledgement has no number and needs none; what nobody can read goes to dead letters; all is committed."""
    ear = Ear()
    handler, dead = handler_of(ear)
    acknowledged = Sent(11, action_on("scene_1_track_4", ActionType.ACKNOWLEDGE).write())
    unnumbered = Sent(13, action_on("scene_1_track_4", PULL_OVER).write())
    handler.handle([sent(10, 1), acknowledged, Sent(12, b"{"), unnumbered, Sent(14, None), sent(15, 2)])
    assert ear.heard == [1, 2]
    assert dead.buried == [b"{", unnumbered.raw, b""]
    assert handler.offsets() == {0: 16}


def test_a_command_that_is_not_in_the_journal_is_insisted_on() -> None:
    """The disk is full twice: the command behind it waits, and nothing is committed before."""
    ear = Ear(full=[1, 1])
    handler, _ = handler_of(ear)
    handler.handle([sent(10, 1), sent(11, 2)])
    assert ear.heard == [1, 2]
    assert handler.offsets() == {0: 12}


def test_a_stop_while_the_disk_is_full_leaves_the_command_to_the_next_process() -> None:
    """What came before it is committed, and not one more."""
    stop = threading.Event()
    stop.set()
    ear = Ear(full=[2])
    handler, _ = handler_of(ear, stop)
    handler.handle([sent(10, 1), sent(11, 2), sent(12, 3)])
    assert ear.heard == [1]
    assert handler.offsets() == {0: 11}
    handler.revoked([0])
    assert handler.offsets() == {}
