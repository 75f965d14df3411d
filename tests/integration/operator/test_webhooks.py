"""Webhooks are told everything, in order and signed, whatever their receivers do meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.integration.operator.stories import Sessions, anomaly, deliver, do, the_alert
from tests.servers.receiver import Behaviour, Receiver, Request, receiving

from fleetops.contracts import ids
from fleetops.contracts.vocabulary import ActionType
from fleetops.db.audit import AuditRow
from fleetops.db.models import OutboxKind
from fleetops.db.noise import Webhook
from fleetops.db.transaction import transact
from fleetops.errors import ConflictError
from fleetops.operator import webhooks
from fleetops.operator.outbox import events_after
from fleetops.operator.relay import stamp
from fleetops.operator.webhook_delivery import Webhooks

SCRIPT = Path(__file__).parents[3] / "docs" / "examples" / "verify_webhook.py"
ALERTS = (OutboxKind.ALERT_CREATED, OutboxKind.ALERT_UPDATED)
FAILURES: list[Behaviour] = ["fail"] * 500
HERE = (ip_network("127.0.0.0/8"),)


def hasty() -> Callable[[], datetime]:
    """A clock that is right now and runs twenty times as fast, so that pauses between attempts are short."""
    began = datetime.now(UTC)
    return lambda: began + 20 * (datetime.now(UTC) - began)


@asynccontextmanager
async def telling(
    engine: AsyncEngine,
    sessions: Sessions,
    *,
    timeout_s: float = 30,
    give_up: timedelta = timedelta(days=1),
    clock: Callable[[], datetime] | None = None,
) -> AsyncIterator[None]:
    """The dispatcher at work, stopped in the end."""
    stop = asyncio.Event()
    dispatcher = Webhooks(engine, sessions, networks=HERE, timeout_s=timeout_s, give_up=give_up, clock=clock or hasty())
    task = asyncio.create_task(dispatcher.run(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await task


async def subscribed(sessions: Sessions, receiver: Receiver, events: Sequence[OutboxKind] = ALERTS) -> tuple[UUID, str]:
    """A webhook of this receiver, and its secret."""
    webhook_id = uuid4()

    async def work(db: object) -> Webhook:
        return await webhooks.create(
            db,  # type: ignore[arg-type]  # a session, which transact gives
            webhook_id,
            url=f"{receiver.url}/hook?a=b",
            description="",
            events=events,
            by="boss",
            now=datetime.now(UTC),
        )

    return webhook_id, (await transact(sessions, work)).secret


async def some_alerts(engine: AsyncEngine, sessions: Sessions, vehicles: int = 3, changes: int = 4) -> list[int]:
    """Several alerts that change several times; the numbers of all that happened to them."""
    cars = [ids.vehicle_id("scene_001", track) for track in range(vehicles)]
    for frame in range(changes):
        await deliver(sessions, *(anomaly(frame, vehicle=car) for car in cars))
    return await numbered(engine, sessions)


async def numbered(engine: AsyncEngine, sessions: Sessions) -> list[int]:
    """The relay gives everything its number; those of alerts."""
    async with engine.connect() as connection:
        while await stamp(connection):
            pass
    async with sessions() as db:
        return [event.seq for event in await events_after(db, 0, 10_000) if event.kind in ALERTS]


async def row(sessions: Sessions, webhook_id: UUID) -> Webhook:
    """The webhook as it stands."""
    async with sessions() as db:
        return await webhooks.get(db, webhook_id)


async def until(sessions: Sessions, webhook_id: UUID, holds: Callable[[Webhook], bool]) -> None:
    """Return once the webhook is as it should be."""
    async with asyncio.timeout(60):
        while not holds(await row(sessions, webhook_id)):  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.05)


def check(request: Request, secret: str) -> int:
    """What the documented script ends with."""
    headers = [request.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")]
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), secret, *headers], input=request.body, capture_output=True, check=False
    ).returncode


async def test_a_receiver_that_fails_hangs_and_comes_back_gets_everything_in_order(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    """Errors, an answer that never comes, a connection cut off: each event arrives, and none before the one before."""
    with receiving(["take", "fail", "fail", "hang", "break", "take", "redirect", "take", "take", "fail"]) as receiver:
        webhook_id, _ = await subscribed(sessions, receiver)
        expected = await some_alerts(engine, sessions)
        async with telling(engine, sessions, timeout_s=2):
            taken = await asyncio.to_thread(receiver.wait_for, len(expected))
        attempts = [request.seq for request in receiver.requests]
        assert attempts == sorted(attempts), "an event overtook another"
    assert [request.seq for request in taken] == expected
    assert len(attempts) == len(expected) + 6
    assert {request.path for request in receiver.requests} == {"/hook?a=b"}
    versions: dict[object, list[object]] = {}
    for request in taken:
        alert = request.event["alert"]
        assert isinstance(alert, dict)
        versions.setdefault(alert["alert_id"], []).append(alert["version"])
    assert list(versions.values()) == [[1, 2, 3, 4]] * 3
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(expected)
    webhook = await row(sessions, webhook_id)
    assert (webhook.failures, webhook.last_error, webhook.failing_since) == (0, None, None)
    assert webhook.delivered_seq == expected[-1]


async def test_the_script_refuses_what_was_changed_on_the_way(engine: AsyncEngine, sessions: Sessions) -> None:
    """Another body, another time, another secret, another id: not genuine."""
    with receiving() as receiver:
        _, secret = await subscribed(sessions, receiver)
        await some_alerts(engine, sessions, 1, 1)
        async with telling(engine, sessions, clock=lambda: datetime.now(UTC)):
            (request,) = await asyncio.to_thread(receiver.wait_for, 1)
    assert check(request, secret) == 0
    changed = Request(request.path, request.headers, request.body.replace(b"OPEN", b"DONE"), True)
    assert check(changed, secret) == 1
    assert check(request, "whsec_" + "A" * 43 + "=") == 1
    for header, value in (("webhook-timestamp", str(int(time.time()) - 400)), ("webhook-id", "evt_1")):
        assert check(Request(request.path, {**request.headers, header: value}, request.body, True), secret) == 1


async def test_one_that_hangs_holds_up_nobody_else(engine: AsyncEngine, sessions: Sessions) -> None:
    """While the first still waits for its answer, the second has been told everything."""
    with receiving(["hang"]) as hanging, receiving() as prompt:
        await subscribed(sessions, hanging)
        await subscribed(sessions, prompt)
        expected = await some_alerts(engine, sessions)
        async with telling(engine, sessions, timeout_s=300):
            taken = await asyncio.to_thread(prompt.wait_for, len(expected))
            assert [request.seq for request in taken] == expected
            assert len(hanging.requests) == 1
            hanging.released.set()
            later = await asyncio.to_thread(hanging.wait_for, len(expected))
    assert [request.seq for request in later] == expected


async def test_another_process_goes_on_where_the_first_was_stopped(engine: AsyncEngine, sessions: Sessions) -> None:
    """Nothing is lost, and only the event under way may come twice; two at once take turns."""
    with receiving(["take", "take", "hang"]) as receiver:
        webhook_id, _ = await subscribed(sessions, receiver)
        expected = await some_alerts(engine, sessions)
        async with telling(engine, sessions, timeout_s=300):
            await asyncio.to_thread(receiver.wait_for, 2)
            await until(sessions, webhook_id, lambda _: len(receiver.requests) == 3)
        receiver.released.set()
        async with telling(engine, sessions), telling(engine, sessions):
            taken = await asyncio.to_thread(receiver.wait_for, len(expected))
            await asyncio.sleep(1)
    assert [request.seq for request in taken] == expected
    assert [request.seq for request in receiver.requests].count(expected[2]) == 2


async def test_it_is_told_of_what_it_asked_for_from_then_on(engine: AsyncEngine, sessions: Sessions) -> None:
    """Not of what was before it, nor of other kinds; its place passes those by."""
    await some_alerts(engine, sessions, 1, 1)
    with receiving() as receiver:
        webhook_id, _ = await subscribed(sessions, receiver, [OutboxKind.ACTION_EXECUTED])
        alert_id = (await the_alert(sessions)).alert_id
        await do(sessions, ActionType.ACKNOWLEDGE, alert_id)
        await do(sessions, ActionType.COMMENT, alert_id, comment="looked at it")
        await deliver(sessions, anomaly(9))
        highest = (await numbered(engine, sessions))[-1]
        async with telling(engine, sessions):
            taken = await asyncio.to_thread(receiver.wait_for, 2)
            await until(sessions, webhook_id, lambda webhook: webhook.delivered_seq >= highest)
    kinds = [request.event["action"]["action_type"] for request in taken]  # type: ignore[index]  # an action's fields
    assert kinds == ["ACKNOWLEDGE", "COMMENT"]


async def test_one_that_fails_for_too_long_is_given_up(engine: AsyncEngine, sessions: Sessions) -> None:
    """It is disabled by the system, which the audit log says with the reason; enabled again, it goes on from then."""
    with receiving(["fail"] * 50) as receiver:
        webhook_id, _ = await subscribed(sessions, receiver)
        await some_alerts(engine, sessions, 1, 1)
        async with telling(engine, sessions, give_up=timedelta(seconds=5)):
            await until(sessions, webhook_id, lambda webhook: webhook.disabled_at is not None)
        receiver.plan.clear()
        assert (await row(sessions, webhook_id)).disabled_by == "system"
        async with sessions() as db:
            entry = (await db.scalars(select(AuditRow).where(AuditRow.what == "webhook.given_up"))).one()
        assert (entry.who, entry.details["last_error"]) == ("system", "answered 500; expected 2xx")
        await deliver(sessions, anomaly(50))
        await numbered(engine, sessions)

        async def enable(db: object) -> Webhook:
            return await webhooks.change(
                db,  # type: ignore[arg-type]  # a session, which transact gives
                webhook_id, url=None, description=None, events=None, enabled=True, by="boss", now=datetime.now(UTC),
            )  # fmt: skip

        await transact(sessions, enable)
        await deliver(sessions, anomaly(60))
        last = (await numbered(engine, sessions))[-1]
        async with telling(engine, sessions):
            taken = await asyncio.to_thread(receiver.wait_for, 1)
    assert [request.seq for request in taken] == [last]


async def test_an_address_that_is_not_allowed_is_not_called(engine: AsyncEngine, sessions: Sessions) -> None:
    """Even if the row says so: the address is checked at each attempt, not only when the webhook is made."""
    with receiving() as receiver:
        webhook_id, _ = await subscribed(sessions, receiver)
        await some_alerts(engine, sessions, 1, 1)
        stop = asyncio.Event()
        dispatcher = Webhooks(engine, sessions, networks=(), timeout_s=30, give_up=timedelta(days=1), clock=hasty())
        task = asyncio.create_task(dispatcher.run(stop))
        await until(sessions, webhook_id, lambda webhook: webhook.failures >= 2)
        stop.set()
        await task
        assert receiver.requests == []
    assert "which is not public" in ((await row(sessions, webhook_id)).last_error or "")


async def changed(sessions: Sessions, webhook_id: UUID, url: str) -> None:
    """The webhook leads elsewhere."""

    async def work(db: object) -> Webhook:
        return await webhooks.change(
            db,  # type: ignore[arg-type]  # a session, which transact gives
            webhook_id, url=url, description=None, events=None, enabled=None, by="boss", now=datetime.now(UTC),
        )  # fmt: skip

    await transact(sessions, work)


async def test_a_change_takes_effect_behind_the_event_under_way(engine: AsyncEngine, sessions: Sessions) -> None:
    """Nothing more goes to the address that is not wanted any more; what it took is not sent again."""
    with receiving(["take", "late"]) as before, receiving() as after:
        webhook_id, _ = await subscribed(sessions, before)
        expected = await some_alerts(engine, sessions)
        async with telling(engine, sessions, timeout_s=300, clock=lambda: datetime.now(UTC)):
            await until(sessions, webhook_id, lambda _: len(before.requests) == 2)
            await changed(sessions, webhook_id, f"{after.url}/hook")
            before.released.set()
            taken = await asyncio.to_thread(after.wait_for, len(expected) - 2)
        assert [request.seq for request in taken] == expected[2:]
        assert len(before.requests) == 2


async def test_a_failure_before_a_change_says_nothing_of_what_comes_after(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    """An attempt that was under way when the address was changed does not hold up the new one."""
    with receiving() as receiver:
        webhook_id, _ = await subscribed(sessions, receiver)
        await some_alerts(engine, sessions, 1, 1)
        now = datetime.now(UTC)
        async with sessions() as db:
            (due,) = await webhooks.due(db, now)
        await changed(sessions, webhook_id, f"{receiver.url}/elsewhere")
        await transact(sessions, lambda db: webhooks.failed(db, due, "no answer", now, timedelta(0)))
        webhook = await row(sessions, webhook_id)
    assert (webhook.failures, webhook.next_attempt_at, webhook.disabled_at) == (0, None, None)


async def test_an_event_that_is_never_taken_is_let_go_by_a_person(engine: AsyncEngine, sessions: Sessions) -> None:
    """It alone, once; all behind it comes, and the audit log names it and who let it go."""
    with receiving(["take", *FAILURES]) as receiver:
        webhook_id, _ = await subscribed(sessions, receiver)
        expected = await some_alerts(engine, sessions, 2, 2)

        def skip(place: int) -> Callable[[AsyncSession], Awaitable[Webhook]]:
            return lambda db: webhooks.skip(db, webhook_id, place=place, by="boss", now=datetime.now(UTC))

        async with telling(engine, sessions):
            await until(sessions, webhook_id, lambda webhook: webhook.failures >= 2)
            stuck = await row(sessions, webhook_id)
        receiver.plan.clear()
        await transact(sessions, skip(stuck.delivered_seq))
        with pytest.raises(ConflictError, match="look at the webhook again"):
            await transact(sessions, skip(stuck.delivered_seq))
        async with telling(engine, sessions):
            taken = await asyncio.to_thread(receiver.wait_for, len(expected) - 1)
    assert [request.seq for request in taken] == [expected[0], *expected[2:]]
    async with sessions() as db:
        entry = (await db.scalars(select(AuditRow).where(AuditRow.what == "webhook.event_skipped"))).one()
    assert (entry.who, entry.details["seq"], entry.details["last_error"]) == (
        "boss", expected[1], "answered 500; expected 2xx",
    )  # fmt: skip


async def test_time_in_which_nobody_tried_gives_nothing_up(engine: AsyncEngine, sessions: Sessions) -> None:
    """The service was down over four days: the first attempt after that is not the last one."""
    with receiving() as receiver:
        webhook_id, _ = await subscribed(sessions, receiver)
        await some_alerts(engine, sessions, 1, 1)
    before = datetime.now(UTC)
    after = before + timedelta(days=4)
    for at in (before, after, after + timedelta(minutes=4)):
        async with sessions() as db:
            (due,) = await webhooks.due(db, at)
        await transact(sessions, lambda db, due=due, at=at: webhooks.failed(db, due, "away", at, timedelta(days=3)))  # type: ignore[misc]  # mypy infers no lambda with defaults
    webhook = await row(sessions, webhook_id)
    assert (webhook.failures, webhook.failing_since, webhook.disabled_at) == (3, after, None)
