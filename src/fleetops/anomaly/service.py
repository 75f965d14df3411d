"""anomaly-service as a process: one consumer thread, one HTTP edge, one compilation on the side."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping

import structlog

from fleetops.auth.service_token import check_exposure, service_token
from fleetops.bus.admin import ensure_topics
from fleetops.bus.consumer import GroupConsumer
from fleetops.bus.dead_letters import DeadLetters
from fleetops.bus.producer import Producer
from fleetops.contracts import topics
from fleetops.errors import BrokerError
from fleetops.settings import Settings
from fleetops.web import serve

from .api import Status, build_app
from .detector import advance
from .engine import compiled_advance, warm_up
from .metrics import Metrics
from .rule_set import RuleSet, load_rule_set
from .worker import AnomalyWorker

SERVICE = "anomaly-service"

log = structlog.stdlib.get_logger(__name__)


class AnomalyService:
    """Detection from Kafka to Kafka, until told to stop."""

    def __init__(self, settings: Settings, rules: RuleSet) -> None:
        self._kafka = settings.kafka
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._compiled = False
        self.metrics = Metrics()
        self._producer = Producer(settings.kafka, SERVICE)
        self._worker = AnomalyWorker(
            rules,
            settings.anomaly.history_frames,
            settings.anomaly.give_up_s,
            advance,
            self._producer,
            DeadLetters(self._producer, SERVICE),
            self.metrics,
            self._stop,
            self._lag,
        )
        self._consumer = GroupConsumer(
            settings.kafka, topics.ANOMALY_GROUP, topics.RAW_TELEMETRY, SERVICE, self._worker
        )
        self._thread = threading.Thread(target=self._consume, name="detection")
        self._rules = rules

    def start(self) -> None:
        """Begin to consume, in plain Python until the compiled detector is there."""
        self._thread.start()
        # A daemon: a stop need not wait for a compilation.
        threading.Thread(target=self._compile, name="compilation", daemon=True).start()

    def stop(self) -> None:
        """Finish the batch in hand, commit, leave the group.

        Raises:
            FleetOpsError: what ended the consumer before it was told to stop.
        """
        self._stop.set()
        self._thread.join()
        self._producer.close()
        if self._failure is not None:
            raise self._failure

    def status(self) -> Status:
        """How it goes; any thread may ask."""
        return Status(self._consumer.connected, self._compiled, dict(self._consumer.lag()))

    def _lag(self) -> Mapping[int, int]:
        return self._consumer.lag()

    def _consume(self) -> None:
        try:
            self._consumer.run(self._stop)
        except BaseException as error:
            if self._stop.is_set() and isinstance(error, BrokerError):
                log.warning("detection_stopped_without_kafka", reason=str(error))  # what was not told is found again
                return
            self._failure = error
            log.exception("detection_failed", error=str(error))
            os.kill(os.getpid(), signal.SIGTERM)

    def _compile(self) -> None:
        log.info("detector_compiling", reason="the first start on a machine takes some seconds, later ones none")
        began_s = time.monotonic()
        try:
            warm_up(self._rules)
        except Exception as error:  # the plain detector finds the same, only slower
            log.exception("detector_not_compiled", error=str(error))
            return
        self._worker.use(compiled_advance)
        self._compiled = True
        log.info("detector_compiled", seconds=round(time.monotonic() - began_s, 2))


def run(settings: Settings) -> None:
    """Run anomaly-service until SIGTERM or SIGINT.

    Raises:
        FleetOpsError: what kept it from starting, or ended it.
    """
    check_exposure(settings.anomaly.host, settings)
    rules = load_rule_set(settings.anomaly.rules)
    rules.require_history(settings.anomaly.history_frames)
    ensure_topics(settings.kafka)
    service = AnomalyService(settings, rules)
    app = build_app(rules, service_token(settings), service.metrics, service.status)
    log.info("detection_starting", rule_set=rules.identity, history_frames=settings.anomaly.history_frames)
    service.start()
    try:
        serve(app, host=settings.anomaly.host, port=settings.anomaly.port, port_setting="FLEETOPS_ANOMALY__PORT")
    finally:
        service.stop()
        log.info("detection_stopped")
