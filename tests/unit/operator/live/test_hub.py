"""The hub: order kept, nothing twice, and one slow console is its own problem."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fleetops.operator.live.events import CloseCode
from fleetops.operator.live.hub import Console, Hub, Message


@dataclass
class Shown:
    """A picture of the fleet, in words."""

    name: str
    new: str | None = None

    def names(self) -> str | None:
        """Who is new."""
        return self.new

    def changes(self, binary: bool) -> tuple[Message, ...]:
        """What changed."""
        return (f"progress {self.name}", self.name.encode()) if binary else (self.name,)

    def everything(self, binary: bool) -> tuple[Message, ...]:
        """All there is."""
        return (f"all {self.name}".encode(),) if binary else (f"all {self.name}",)


async def drained(console: Console) -> list[Message]:
    """All that a console would be sent now."""
    messages: list[Message] = []
    while True:
        try:
            message = await asyncio.wait_for(console.next_message(), 0.02)
        except TimeoutError:
            return messages
        if message is None:
            return messages
        messages.append(message)


async def test_events_come_in_order_and_none_of_the_snapshot_again() -> None:
    """What was published while the snapshot was read is sent once, if it is newer than the snapshot."""
    hub, console = Hub(), Console("c")
    hub.consoles.add(console)
    for seq in range(1, 6):
        hub.publish(seq, f"e{seq}")
    console.begin(3)
    hub.publish(5, "e5")
    hub.publish(6, "e6")
    assert await drained(console) == ["e4", "e5", "e6"]
    assert console.sent_seq == 6


async def test_a_waiting_console_is_woken() -> None:
    """An idle socket's task sleeps until there is something."""
    console = Console("c")
    waiting = asyncio.create_task(console.next_message())
    await asyncio.sleep(0)
    console.offer_event(1, "e1")
    assert await waiting == "e1"


async def test_a_slow_console_gets_one_whole_picture_for_all_it_missed() -> None:
    """Deltas are dropped, not queued; then everything at once, so that nobody is left where they were."""
    hub, slow, quick = Hub(), Console("c"), Console("c")
    hub.consoles |= {slow, quick}
    hub.show(Shown("m1"))
    assert await drained(quick) == ["m1"]
    hub.show(Shown("m2"))
    hub.show(Shown("m3"))
    assert await drained(slow) == ["all m3"]
    assert slow.dropped_pictures == 2
    hub.show(Shown("m4"))
    assert await drained(slow) == ["m4"]


async def test_names_are_told_before_the_first_picture_that_uses_them_and_never_dropped() -> None:
    """A slow console misses pictures, but every later one is made of names that it has heard."""
    hub, slow, plain = Hub(), Console("c", binary=True), Console("c")
    hub.consoles |= {slow, plain}
    hub.show(Shown("m1", new="a is 1"))
    assert await drained(slow) == ["a is 1", "progress m1", b"m1"]
    hub.show(Shown("m2", new="b is 2"))
    hub.show(Shown("m3"))
    hub.show(Shown("m4", new="c is 3"))
    assert await drained(slow) == ["b is 2", "c is 3", b"all m4"]
    assert await drained(plain) == ["all m4"]


async def test_the_parts_of_a_picture_stay_together() -> None:
    """An event that comes meanwhile waits: what a client draws is of one moment."""
    console = Console("c", binary=True)
    console.offer_picture(Shown("m1"))
    assert await console.next_message() == "progress m1"
    console.offer_event(1, "e1")
    console.offer_picture(Shown("m2"))
    assert await drained(console) == [b"m1", "e1", "progress m2", b"m2"]


async def test_one_who_hears_too_many_names_unread_begins_anew() -> None:
    """The bound holds for names as well: a socket that nobody reads cannot fill the memory."""
    console = Console("c", max_events=3, binary=True)
    for number in range(5):
        console.offer_picture(Shown(f"m{number}", new=f"v{number}"))
    assert console.closing is CloseCode.RESYNC


async def test_a_console_too_far_behind_is_closed_for_a_resync_and_no_other() -> None:
    """Alert events are never dropped one by one: beyond the bound the console begins anew."""
    hub, slow, quick = Hub(), Console("c", max_events=3), Console("c", max_events=3)
    hub.consoles |= {slow, quick}
    for seq in range(1, 5):
        hub.publish(seq, f"e{seq}")
        assert await drained(quick) == [f"e{seq}"]
    assert slow.closing is CloseCode.RESYNC
    assert await slow.next_message() is None
    assert await slow.closed() is CloseCode.RESYNC
    assert quick.closing is None


async def test_signing_out_closes_the_sockets_of_that_session_only() -> None:
    """Logging out in one tab ends the other tab's socket too, and nobody else's."""
    hub, mine, other = Hub(), Console("mine"), Console("other")
    hub.consoles |= {mine, other}
    hub.sign_out("mine")
    assert mine.closing is CloseCode.SIGNED_OUT
    assert other.closing is None
    hub.publish(1, "e1")
    assert await mine.next_message() is None
