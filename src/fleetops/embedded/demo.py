"""`fleetops demo`: the whole of FleetOps on this machine, one replay session, and what it found."""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog
from pydantic import ValidationError
from rich.console import Console

from ..auth.service_token import service_token
from ..bus.admin import ensure_topics
from ..bus.records import Record, header
from ..bus.tail import TailReader
from ..contracts.anomalies import Anomaly
from ..contracts.topics import ANOMALIES
from ..contracts.vocabulary import MessageKind
from ..dataset.golden_scenes import golden_dataset, scenes_of
from ..dataset.reader import Dataset
from ..db.migrate import upgrade
from ..errors import BrokerError, FleetOpsError
from ..operator.access import make_login_link
from ..settings import KafkaSettings, Settings
from . import browser, memory
from .detection_client import DetectionClient
from .findings import Findings
from .lock import DataDirLock
from .replay_client import ReplayClient, ReplayUnreachableError, SessionStatus
from .screen import Lines, LiveTable, screen_for, summary
from .services import anomaly_service, claim_ports, replay_service
from .stop import StopRequest, StopRequested
from .supervisor import Supervisor

log = structlog.stdlib.get_logger(__name__)

POLL_S = 0.1
END_TIMEOUT_S = 30.0  # for a left-over session, while Kafka is slow
LOOK_INTERVAL_S = 0.5  # between two looks at the session's progress


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a person can choose besides the settings."""

    session_id: str
    scenes: int  # the first so many of the dataset
    open_browser: bool
    exit_when_done: bool


def run(settings: Settings, options: DemoOptions, console: Console) -> None:
    """Run the demo until a person ends it, or until it is done where that was asked for.

    Raises:
        FleetOpsError: it could not start, or something died for good. Nothing is left running.
        StopRequested: ended by a signal, cleanly.
    """
    _require_dataset(settings, options.scenes, console)
    with DataDirLock(settings.data_dir), StopRequest() as stop:
        settings = claim_ports(settings)
        began_s = time.monotonic()
        demo: Demo | None = None
        try:
            with screen_for(console) as screen:
                demo = Demo(settings, options, stop, screen)
                demo.run()
        finally:
            if demo is not None:
                _report(demo, settings, console, time.monotonic() - began_s)


def _report(demo: Demo, settings: Settings, console: Console, duration_s: float) -> None:
    if demo.status is not None:
        console.print(summary(demo.findings))
        progress = f"{demo.status.records_sent:,} records, replay {demo.status.status}"
        console.print(f"session {demo.status.session_id}: {progress}, {duration_s:.1f} s in all", highlight=False)
    console.print(f"logs: {settings.data_dir / 'logs'}", soft_wrap=True, highlight=False)


def _require_dataset(settings: Settings, chosen: int, console: Console) -> None:
    """Open the dataset before anything starts, so that what is wrong with it is said first."""
    dataset = Dataset.open(settings.replay.dataset or golden_dataset())
    scenes = scenes_of(dataset, settings.replay.scenes_file)
    name = "the golden scenes, made with SUMO" if settings.replay.dataset is None else str(dataset.path)
    console.print(f"dataset: {name}; {_share(chosen, len(scenes))}", soft_wrap=True, highlight=False)
    if chosen < len(scenes):
        console.print("more scenes: --scenes N", highlight=False)
    if not _own_kafka(settings.kafka):
        machine = memory.machine_memory()
        expected = memory.expected_bytes(dataset, min(chosen, len(scenes), dataset.scene_count), machine)
        console.print(
            f"memory: the embedded broker will keep up to about {memory.in_words(expected)} "
            f"of this machine's {memory.in_words(machine)} until the demo ends",
            soft_wrap=True,
            highlight=False,
        )


def _share(chosen: int, count: int) -> str:
    if chosen < count:
        return f"the first {chosen} of {count} scenes" if chosen > 1 else f"the first of {count} scenes"
    return "1 scene" if count == 1 else f"all {count} scenes"


def _own_kafka(kafka: KafkaSettings) -> bool:
    """Whether a cluster was named, so that none is to be embedded."""
    return "bootstrap_servers" in kafka.model_fields_set


class Demo:
    """One run: servers, services, one session and its anomalies."""

    def __init__(self, settings: Settings, options: DemoOptions, stop: StopRequest, screen: Lines | LiveTable) -> None:
        self.findings = Findings(options.session_id)
        self.status: SessionStatus | None = None
        self._options = options
        self._stop = stop
        self._screen = screen
        self._tail: TailReader | None = None
        self._forgotten = False  # a new broker, and the session not looked at since
        self._supervisor = Supervisor(settings, screen.say, stop, self._listen)
        token = service_token(settings).get_secret_value()
        self._replay = ReplayClient(replay_service(settings).url, token)
        self._detection = DetectionClient(anomaly_service(settings).url, token)

    def run(self) -> None:
        """Bring everything up, follow the session, and end everything, whatever happens in between."""
        try:
            self.start()
            self.follow()
        except StopRequested:
            self._screen.say("stopping (Ctrl-C again ends everything at once)")
            raise
        finally:
            self.close()

    def start(self) -> None:
        """Bring everything up, each step ready before the next, and start the session."""
        say, supervisor = self._screen.say, self._supervisor
        kafka = supervisor.settings.kafka
        if _own_kafka(kafka):
            say(f"using Kafka at {kafka.bootstrap_servers}")
            ensure_topics(kafka)
            self._listen(supervisor.settings)
        else:
            say("starting the embedded broker")
            supervisor.start_broker()
            say(f"broker is ready on {supervisor.settings.kafka.bootstrap_servers}; it keeps nothing beyond this run")
        self._stop.check()
        if supervisor.settings.database_url is None:
            say("starting the embedded PostgreSQL (the first time takes some seconds)")
            supervisor.start_postgres()
            say(f"PostgreSQL is ready on {supervisor.database_address}; it keeps its data between runs")
        else:
            say("using the database of FLEETOPS_DATABASE_URL")
        self._stop.check()
        upgrade(supervisor.settings)
        supervisor.start_services()
        self._begin_session()
        self._open_console()

    def follow(self) -> None:
        """Show what is found and keep everything running, until the person stops it or it is done."""
        next_look_s = 0.0
        done = False
        while not (done and self._options.exit_when_done):
            self._stop.check()
            self._take_anomalies()
            self._supervisor.watch()
            if time.monotonic() >= next_look_s:
                next_look_s = time.monotonic() + LOOK_INTERVAL_S
                done = done or self._look()

    def close(self) -> None:
        """End the session and everything that runs."""
        if self.status is not None and self.status.open:
            try:
                self._replay.stop(self._options.session_id)
                self.status = self._replay.status(self._options.session_id)
            except FleetOpsError as error:
                log.warning("session_not_stopped", reason=str(error))
        browser.forget(self._supervisor.settings.data_dir)
        self._replay.close()
        if self._tail is not None:
            self._tail.close()
        self._supervisor.stop()

    def _listen(self, settings: Settings) -> None:
        """Read anomalies from a broker that has none of this session's yet."""
        if self._tail is not None:
            self._tail.close()
            self._forgotten = True
        self._tail = TailReader(settings.kafka, ANOMALIES, "fleetops-demo")

    def _begin_session(self) -> None:
        for left_over in self._replay.open_sessions():
            self._screen.say(f"ending session {left_over.session_id}, left open by an earlier run")
            self._end(left_over.session_id)
        self._start_session()

    def _end(self, session_id: str) -> None:
        """End a session, which may end by itself meanwhile, or wait for Kafka to take its scenes' ends."""
        deadline = time.monotonic() + END_TIMEOUT_S
        while True:
            try:
                self._replay.stop(session_id)
            except FleetOpsError as error:
                if not self._replay.status(session_id).open:
                    return
                if not isinstance(error, ReplayUnreachableError) or time.monotonic() > deadline:
                    raise
                self._stop.pause(LOOK_INTERVAL_S)
            else:
                return

    def _start_session(self) -> None:
        rate_hz = self._supervisor.settings.replay.rate_hz
        held = self._replay.scenes()
        scene_ids = held[: self._options.scenes]
        self._replay.start(self._options.session_id, scene_ids, rate_hz)
        rate = f"at {rate_hz:g} Hz" if rate_hz else "as fast as it goes"
        scenes = scene_ids[0] if len(held) == 1 else _share(self._options.scenes, len(held))
        self._screen.say(f"replaying {scenes} {rate} as session {self._options.session_id}")
        self.status = self._replay.status(self._options.session_id)

    def _open_console(self) -> None:
        settings = self._supervisor.settings
        if self._options.open_browser and browser.has_display():
            browser.open_privately(make_login_link(settings), settings.data_dir)
        # A link of its own for the person: a browser may have spent the other one, or never have opened.
        self._screen.say(f"ready: {make_login_link(settings)}")

    def _take_anomalies(self) -> None:
        if self._tail is None:
            raise BrokerError("the demo reads from no broker")
        try:
            records = self._tail.poll(POLL_S)
        except BrokerError as error:
            # An embedded broker that died is dealt with by the supervisor, which calls `_listen` again.
            log.warning("anomalies_not_read", reason=str(error))
            self._stop.pause(POLL_S)
            return
        for record in records:
            anomaly = _anomaly(record)
            if anomaly is not None and self.findings.take(anomaly):
                self._screen.found(anomaly)

    def _look(self) -> bool:
        """Whether the replay has ended and detection has seen all of it."""
        try:
            self.status = self._replay.status(self._options.session_id)
        except ReplayUnreachableError:
            return False
        if self._forgotten:
            self._forgotten = False
            if not self.status.open:  # it had ended, but not all of it was detected: the same ids make it the same
                self._start_session()
                return False
        frame = "no frame yet" if self.status.current_frame is None else f"frame {self.status.current_frame}"
        self._screen.progress(
            f"{self.status.status}: {frame}, {self.status.vehicles_active} vehicles, "
            f"{self.findings.total} anomaly messages"
        )
        if self.status.open or not self._detection.caught_up(time.monotonic()):
            return False
        stays = "" if self._options.exit_when_done else "; the console stays until Ctrl-C"
        self._screen.say(f"the replay has ended ({self.status.status}) and detection has seen all of it{stays}")
        return True


def _anomaly(record: Record) -> Anomaly | None:
    value = record.value()
    if value is None or header(record, "kind") != MessageKind.ANOMALY.encode():
        return None
    try:
        return Anomaly.read(value)
    except ValidationError as error:
        log.warning("anomaly_unreadable", partition=record.partition(), offset=record.offset(), error=str(error))
        return None
