"""Starts the servers and services in order, keeps them running, and ends them in reverse."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable

import structlog
from pydantic import SecretStr

from ..errors import ServerStartError
from ..replay import journal
from ..settings import Settings
from .broker import EmbeddedBroker
from .ports import LOOPBACK
from .postgres import PostgresServer
from .process import Child, describe_exit
from .restarts import RestartPolicy
from .services import Service, stages
from .stop import StopRequest

WITHOUT_BROKER_GRACE_S = 2.0  # services then wait for a broker that is gone; what they hold is sent anew anyway

log = structlog.stdlib.get_logger(__name__)


class Supervisor:
    """Everything a demo runs. `settings` become complete (addresses, ports) as servers start.

    A service that dies is started again, and reads on from where its journal and offsets
    say. The broker forgets everything when it dies: the topics are made anew, the services
    started again, and open replay sessions sent from their start, under the same ids.
    `on_broker` is called each time the embedded broker is there, before anything writes to it.
    """

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None],
        stop: StopRequest,
        on_broker: Callable[[Settings], None],
    ) -> None:
        self.settings = settings
        self._say = say
        self._stop = stop
        self._on_broker = on_broker
        self._broker: EmbeddedBroker | None = None
        self._postgres: PostgresServer | None = None
        self._running: list[tuple[Service, Child]] = []
        self._policies: defaultdict[str, RestartPolicy] = defaultdict(RestartPolicy)
        stop.insist = self.kill

    def start_broker(self) -> None:
        """Start the embedded broker and point the settings at it."""
        self._broker = EmbeddedBroker(self.settings.kafka, self.settings.data_dir)
        self.settings = self.settings.model_copy(update={"kafka": self._broker.kafka})
        self._broker.start()
        self._on_broker(self.settings)

    def start_postgres(self) -> None:
        """Start the embedded PostgreSQL and point the settings at it."""
        self._postgres = PostgresServer(self.settings.data_dir)
        url = SecretStr(self._postgres.start())
        self.settings = self.settings.model_copy(update={"database_url": url})

    @property
    def database_address(self) -> str:
        """Where the embedded PostgreSQL listens, without its password."""
        return f"{LOOPBACK}:{self._postgres.port}" if self._postgres else "nowhere"

    def start_services(self) -> None:
        """Start the services, each stage ready before the next."""
        for stage in stages(self.settings):
            first = len(self._running)
            for service in stage:
                child = service.child(self.settings)
                self._running.append((service, child))
                child.start()
            for service, child in self._running[first:]:
                service.await_ready(child, self._stop)
                self._say(f"{service.name} is ready on {service.url}")

    def watch(self) -> None:
        """Look after everything once: start again what has died.

        Raises:
            ServerStartError: something died too often, or for a reason that a restart does not mend.
        """
        # First the database: after the broker's death the services start anew, and one of them needs it.
        if self._postgres is not None and not self._postgres.child.running():
            self._restart(self._postgres)
            self._say("PostgreSQL is back")
        if self._broker is not None and not self._broker.child.running():
            self._begin_anew(self._broker)
        for place, (_, child) in enumerate(self._running):
            if not child.running():
                self._revive(place)

    def stop(self) -> None:
        """End everything: first the services, all asked at once, then the servers that they use."""
        for _, child in reversed(self._running):
            child.ask()
        for child in reversed(self._children()):
            child.stop()
            log.info("child_stopped", child=child.spec.name, exit_code=child.exit_code())
        self._running.clear()

    def kill(self) -> None:
        """End everything at once, without waiting: for a second Ctrl-C."""
        for child in self._children():
            child.strike()

    def _children(self) -> list[Child]:
        servers = [server.child for server in (self._broker, self._postgres) if server is not None and server.started]
        return servers + [child for _, child in self._running]

    def _restart(self, server: EmbeddedBroker | PostgresServer) -> None:
        """Start a server that died, once more each time that this fails, as often as the policy allows."""
        failure: ServerStartError | None = None
        while True:
            self._await_turn(server.child, failure)
            try:
                server.start()
            except ServerStartError as error:
                log.warning("child_failed_again", child=server.child.spec.name, reason=str(error))
                failure = error
            else:
                return

    def _begin_anew(self, broker: EmbeddedBroker) -> None:
        for _, child in self._running:
            child.ask()
        for _, child in self._running:
            child.stop(WITHOUT_BROKER_GRACE_S)
        self._running.clear()
        self._restart(broker)
        self._on_broker(self.settings)
        journal.rewind(self.settings.data_dir)
        self._say("the broker is back, empty; open replays begin again from their start, under the same ids")
        self.start_services()

    def _revive(self, place: int) -> None:
        service, child = self._running[place]
        while self._broker is None or self._broker.child.running():
            self._await_turn(child)
            child = service.child(self.settings)
            self._running[place] = service, child
            child.start()
            try:
                service.await_ready(child, self._stop)
            except ServerStartError as error:
                log.warning("child_failed_again", child=service.name, reason=str(error))
                child.kill()
            else:
                self._say(f"{service.name} is back on {service.url}")
                return

    def _await_turn(self, child: Child, failure: ServerStartError | None = None) -> None:
        """Wait as long as the policy says before `child` may be started again; `failure` is why that failed before."""
        name, exit_code = child.spec.name, child.exit_code()
        wait_s = self._policies[name].next_wait_s(exit_code, time.monotonic())
        log.warning("child_died", child=name, exit_code=exit_code, restart_in_s=wait_s)
        if wait_s is None:
            why = failure or child.obituary()
            raise ServerStartError(f"{why}\nStarting it again would not help; the demo ends.")
        what = "could not be started" if failure else describe_exit(exit_code)
        self._say(f"{name} {what}; starting it again in {wait_s:g} s (logs: {child.log_path.parent})")
        self._stop.pause(wait_s)
