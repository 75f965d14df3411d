"""Anomalies, operators, timers, sessions, crashes and restarts in any order: what the house forbids never comes to be.

Hypothesis tells the stories and shortens one that goes wrong. Told anew in the same way each
time; `--hypothesis-profile=full` tells many more, and others each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.integration.operator.house import House, check, check_change, check_timers, clear_out, look
from tests.integration.operator.stories import DELAYS, NOW, Sessions, anomaly

from fleetops.contracts import ids
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import ActionType as A
from fleetops.contracts.vocabulary import AlertStatus, AnomalyStatus, AnomalyType, Severity
from fleetops.db import engine as db_engine
from fleetops.db.models import Disposition
from fleetops.db.transaction import transact
from fleetops.errors import ConflictError
from fleetops.operator.actions import Command, Outcome, Refusal, act, act_on
from fleetops.operator.detections import apply_anomalies
from fleetops.operator.scenes import SceneKey, begin_scene, end_scene
from fleetops.operator.timers import run_due
from fleetops.settings import Settings

T = TypeVar("T")

FULL = settings.get_current_profile_name() == "full"
CARS = [ids.vehicle_id("scene_001", track) for track in range(2)]
PEOPLE = ["operator_001", "operator_002"]
KINDS = [AnomalyType.SUDDEN_DECELERATION, AnomalyType.DROPOUT_PROXY]

LIKELY = [A.PULL_OVER_SIMULATED, A.ACKNOWLEDGE, *(a for a in A if a is not A.RESOLVE)]
"""What people do mostly: if they resolved as often as anything else, nothing would be left to go wrong."""

ON_VEHICLE = [
    A.PULL_OVER_SIMULATED,
    A.REQUEST_REMOTE_ASSIST,
    A.PICK_UP_REMOTE_ASSIST,
    A.CLOSE_REMOTE_ASSIST,
    A.RESUME_SIMULATION,
]
DEATHS = ["at leisure", "while receiving", "while acting", "before its offsets were kept"]

SIGHTS = st.tuples(
    st.integers(-3, 3),  # frames from now: news may come late
    st.sampled_from(Severity),
    st.sampled_from([AnomalyStatus.ACTIVE, AnomalyStatus.ACTIVE, AnomalyStatus.CLEARED]),
    st.sampled_from(KINDS),
    st.sampled_from(CARS),
    st.sampled_from([0, 0, 0, 1]),  # replays ago
)
BATCHES = st.lists(SIGHTS, min_size=1, max_size=4)
WHICH = st.integers(0, 7)
Sight = tuple[int, Severity, AnomalyStatus, AnomalyType, str, int]


class CrashError(Exception):
    """The process dies before it commits."""


class Shift(RuleBasedStateMachine):
    """One database, and all that happens to it.

    No rule has a precondition: two people at once may end either way, and what Hypothesis draws
    must not depend on which.
    """

    def __init__(self, database: Settings, runner: asyncio.Runner) -> None:
        super().__init__()
        self.database, self.runner = database, runner
        self.engine: AsyncEngine = db_engine.create_engine(database, "test")
        self.sessions: Sessions = db_engine.session_factory(self.engine)
        self.now, self.frame, self.replays = NOW, 5, 0
        self.received: list[list[Anomaly]] = []
        self.house = House({}, {}, [], [], [], [], [], [], {}, {})
        self.calm = False
        """The last step must have changed nothing."""

    @initialize(batch=BATCHES)
    def begin(self, batch: list[Sight]) -> None:
        """An empty database, and something to begin with."""
        self.run(clear_out(self.sessions))
        self.detect(batch)

    @rule(batch=BATCHES)
    def detect(self, batch: list[Sight]) -> None:
        """Detection finds something, or that it is over; some of it may have been received before."""
        self.received.append(self.found(batch))
        self.run(self.transact(self.applying(self.received[-1])))

    @rule(which=WHICH, status=st.sampled_from(AnomalyStatus), severity=st.sampled_from(Severity))
    def go_on(self, which: int, status: AnomalyStatus, severity: Severity) -> None:
        """A condition that has an alert ends, or is seen again."""
        if not self.house.live:
            return
        alert = self.house.live[which % len(self.house.live)]
        ago = self.replays - int(alert.replay_session_id.removeprefix("session_"))
        self.detect([(0, severity, status, alert.anomaly_type, alert.vehicle_id, ago)])

    @rule(how=st.sampled_from(DEATHS), batch=BATCHES, action=st.sampled_from(A), which=WHICH)
    def die(self, how: str, batch: list[Sight], action: A, which: int) -> None:
        """The process dies and is started anew: what was not committed was not done, what was read is read again."""
        if how == "while receiving":
            self.crash(self.applying(self.found(batch)))
        elif how == "while acting" and self.house.alerts:
            self.crash(self.acting(self.command(action, self.alert(which), PEOPLE[0])))
        self.run(self.engine.dispose())
        self.engine = db_engine.create_engine(self.database, "test")
        self.sessions = db_engine.session_factory(self.engine)
        if how == "before its offsets were kept":
            self.run(self.transact(self.applying(self.received[-1 - which % len(self.received)])))
        self.calm = True

    @rule(action=st.sampled_from(ON_VEHICLE), by=st.sampled_from(PEOPLE), which=WHICH)
    def intervene(self, action: A, by: str, which: int) -> None:
        """Somebody does something about the vehicle itself."""
        self.do_what_is_offered(action, by, which)

    @rule(action=st.sampled_from([*LIKELY, A.RESOLVE]), by=st.sampled_from(PEOPLE), which=WHICH)
    def act(self, action: A, by: str, which: int) -> None:
        """Somebody does something about an alert."""
        self.do_what_is_offered(action, by, which)

    def do_what_is_offered(self, action: A, by: str, which: int) -> None:
        """One of the alerts that offer it, if any; and once more, for the answer may have been lost."""
        offering = [one for one, view in sorted(self.house.alert_views.items()) if action in view.allowed_actions]
        if not offering:
            return
        alert_id = offering[which % len(offering)]
        command = self.command(action, alert_id, by)
        outcome = self.run(self.transact(self.acting(command)))
        if outcome.action is None:  # held already, through the same operator
            self.calm = True
            return
        assert outcome.action.action_type is action
        if action is not A.COMMENT:
            again = self.run(self.transact(self.acting(self.command(action, alert_id, by))))
            assert again.action is None
            assert again.alert == outcome.alert

    @rule(action=st.sampled_from(LIKELY), by=st.sampled_from(PEOPLE), which=WHICH, behind=st.sampled_from([None, 0, 1]))
    def act_without_looking(self, action: A, by: str, which: int, behind: int | None) -> None:
        """Somebody tries anything: what is not offered, or was seen otherwise, is refused, unless they did it."""
        if not self.house.alerts:
            return
        alert_id = self.alert(which)
        offered = self.house.alert_views[alert_id].allowed_actions
        version = None if behind is None else self.house.alerts[alert_id].version + behind
        try:
            outcome = self.run(self.transact(self.acting(self.command(action, alert_id, by, version))))
        except ConflictError:
            assert action not in offered or behind
            self.calm = True
        else:
            assert outcome.action is None or (action in offered and not behind)
            self.calm = outcome.action is None

    @rule(first=st.sampled_from(LIKELY), second=st.sampled_from(LIKELY), which=WHICH, other=WHICH)
    def act_at_once(self, first: A, second: A, which: int, other: int) -> None:
        """Two people at the same instant: of two acknowledgements of one alert, one is done."""
        if not self.house.alerts:
            return
        alert_ids = [self.alert(which), self.alert(other)]
        was_open = self.house.alerts[alert_ids[0]].alert_status is AlertStatus.OPEN

        async def both() -> list[Outcome | BaseException]:
            commands = [
                self.command(action, alert_id, by)
                for action, alert_id, by in zip((first, second), alert_ids, PEOPLE, strict=True)
            ]
            return await asyncio.gather(
                *(self.transact(self.acting(command)) for command in commands), return_exceptions=True
            )

        results = self.run(both())
        done = [result for result in results if isinstance(result, Outcome) and result.action]
        assert all(isinstance(result, ConflictError | Outcome) for result in results), results
        if first is second is A.ACKNOWLEDGE and alert_ids[0] == alert_ids[1] and was_open:
            assert len(done) == 1

    @rule(action=st.sampled_from(LIKELY), by=st.sampled_from(PEOPLE))
    def act_on_all(self, action: A, by: str) -> None:
        """One action on every alert there is, each answered for itself."""
        if not self.house.alerts:
            return
        commands = [self.command(action, alert_id, by) for alert_id in sorted(self.house.alerts)]
        results = self.run(self.transact(lambda db: act_on(db, commands, self.now, DELAYS)))
        assert len(results) == len(commands)
        self.calm = not any(isinstance(result, Outcome) and result.action for result in results)
        for command, result in zip(commands, results, strict=True):
            shown = result.alert
            assert shown is not None
            assert shown.alert_id == command.alert_id
            assert not isinstance(result, Refusal) or isinstance(result.error, ConflictError)

    @rule(seconds=st.sampled_from([1.0, 6.0, 31.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, and the timers look; twice, for another replica looks too."""
        self.now += timedelta(seconds=seconds)
        self.run(self.transact(lambda db: run_due(db, self.now)))
        assert self.run(self.transact(lambda db: run_due(db, self.now))) == 0
        check_timers(self.run(look(self.sessions)), self.now)

    @rule(what=st.sampled_from(["seen", "ends", "the one before ends", "next"]))
    def replay(self, what: str) -> None:
        """Telemetry of a replay is seen, or its end; once it is over, the scene is replayed anew."""
        if what == "next":
            self.replays += 1
        key = SceneKey("scene_001", self.session(1 if what == "the one before ends" else 0))
        known = {one.replay_session_id: one.ended_at for one in self.house.replays}
        if what in {"seen", "next"}:
            news = self.run(self.transact(lambda db: begin_scene(db, key, self.now, self.now, DELAYS)))
            assert news == (key.replay_session_id not in known)
        else:
            news = self.run(self.transact(lambda db: end_scene(db, key, self.now, DELAYS)))
            assert news == (known.get(key.replay_session_id, NOW) is None)
            self.replays += what == "ends"
        self.calm = not news

    @invariant()
    def everything_holds(self) -> None:
        """The rules of the house, after every step."""
        house = self.run(look(self.sessions))
        check(house)
        check_change(self.house, house)
        if self.calm:
            assert house.picture() == self.house.picture()
        self.house, self.calm = house, False

    def teardown(self) -> None:
        """The last process ends."""
        self.run(self.engine.dispose())

    def found(self, batch: list[Sight]) -> list[Anomaly]:
        """What detection says of it; time goes on by a frame."""
        self.frame += 1
        return [
            anomaly(
                max(0, self.frame + frames), severity=severity, status=status, kind=kind, vehicle=vehicle,
                session=self.session(ago), at=self.now,
            )
            for frames, severity, status, kind, vehicle, ago in batch
        ]  # fmt: skip

    def session(self, ago: int) -> str:
        """The replay session that runs, or one before it."""
        return f"session_{max(0, self.replays - ago)}"

    def alert(self, which: int) -> UUID:
        """One of the alerts there are."""
        known = sorted(self.house.alerts)
        return known[which % len(known)]

    def command(self, action: A, alert_id: UUID, by: str, version: int | None = None) -> Command:
        """What somebody asks for, with all that any action could need."""
        return Command(
            action,
            alert_id,
            by,
            comment="seen" if action is A.COMMENT else None,
            disposition=Disposition.TRUE,
            snoozed_until=NOW + timedelta(days=1),
            expected_version=version,
        )

    def acting(self, command: Command) -> Callable[[AsyncSession], Awaitable[Outcome]]:
        """The work of one command."""
        return lambda db: act(db, command, self.now, DELAYS)

    def applying(self, batch: list[Anomaly]) -> Callable[[AsyncSession], Awaitable[object]]:
        """The work of one batch."""
        return lambda db: apply_anomalies(db, batch, self.now, DELAYS)

    def crash(self, work: Callable[[AsyncSession], Awaitable[object]]) -> None:
        """All of the work, and then the end, before the commit."""

        async def dying(db: AsyncSession) -> None:
            await work(db)
            raise CrashError

        with pytest.raises((CrashError, ConflictError)):
            self.run(self.transact(dying))
        self.calm = True

    async def transact(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """One transaction, as the edges make them."""
        return await transact(self.sessions, work)

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Wait for it."""
        return self.runner.run(work)


STORIES = settings(
    settings.get_profile("fleetops"),
    derandomize=not FULL,
    database=None,
    max_examples=1000 if FULL else 16,
    stateful_step_count=60 if FULL else 40,
    suppress_health_check=list(HealthCheck),
)
"""Sixteen stories of forty steps take about twenty seconds of one core; a thousand of sixty, half an hour and more."""


def test_no_story_leads_where_the_house_forbids(database_settings: Settings) -> None:
    """Vehicle state, incidents, occurrences, numbers, what was told: right after every step of every story."""
    with asyncio.Runner() as runner:
        run_state_machine_as_test(
            lambda: Shift(database_settings, runner),  # type: ignore[arg-type]  # called only, as its documentation says
            settings=STORIES,
        )
