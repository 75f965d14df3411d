"""The hub: order kept, nothing twice, and one slow console is its own problem."""

from __future__ import annotations

import asyncio

from fleetops.operator.live.events import CloseCode
from fleetops.operator.live.hub import Console, Hub


async def drained(console: Console) -> list[str]:
    """All that a console would be sent now."""
    texts: list[str] = []
    while True:
        try:
            text = await asyncio.wait_for(console.next_text(), 0.02)
        except TimeoutError:
            return texts
        if text is None:
            return texts
        texts.append(text)


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
    waiting = asyncio.create_task(console.next_text())
    await asyncio.sleep(0)
    console.offer_event(1, "e1")
    assert await waiting == "e1"


async def test_a_slow_console_gets_one_whole_picture_for_all_it_missed() -> None:
    """Deltas are dropped, not queued; then everything at once, so that nobody is left where they were."""
    hub, slow, quick = Hub(), Console("c"), Console("c")
    hub.consoles |= {slow, quick}
    encoded = []

    def whole() -> str:
        encoded.append(1)
        return f"all{len(encoded)}"

    hub.show("m1", whole)
    assert await drained(quick) == ["m1"]
    hub.show("m2", whole)
    hub.show("m3", whole)
    assert await drained(slow) == ["all2"]
    assert slow.dropped_pictures == 2
    hub.show("m4", whole)
    assert await drained(slow) == ["m4"]


async def test_the_whole_picture_is_encoded_once_for_all_slow_consoles() -> None:
    """A hundred slow consoles must not cost a hundred encodings."""
    hub = Hub()
    hub.consoles |= {Console("c") for _ in range(100)}
    encoded = []

    def whole() -> str:
        encoded.append(1)
        return "all"

    hub.show("m1", whole)
    hub.show("m2", whole)
    assert len(encoded) == 1


async def test_a_console_too_far_behind_is_closed_for_a_resync_and_no_other() -> None:
    """Alert events are never dropped one by one: beyond the bound the console begins anew."""
    hub, slow, quick = Hub(), Console("c", max_events=3), Console("c", max_events=3)
    hub.consoles |= {slow, quick}
    for seq in range(1, 5):
        hub.publish(seq, f"e{seq}")
        assert await drained(quick) == [f"e{seq}"]
    assert slow.closing is CloseCode.RESYNC
    assert await slow.next_text() is None
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
    assert await mine.next_text() is None
