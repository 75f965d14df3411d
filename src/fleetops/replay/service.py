"""replay-service: the process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from fleetops.auth.service_token import check_exposure, service_token
from fleetops.bus.admin import answers, ensure_topics
from fleetops.contracts.topics import RAW_TELEMETRY
from fleetops.settings import Settings
from fleetops.web import serve

from . import api, encode
from .catalog import Catalog
from .commands import CommandListener
from .journal import Journal
from .metrics import ReplayMetrics
from .office import Office
from .producers import Producers
from .sessions import Sessions
from .transmission import Route

log = structlog.stdlib.get_logger(__name__)

_SWITCH_INTERVAL_S = 0.0005
"""How long a thread may keep the interpreter. Python's own 5 ms is more than a frame may be late."""


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Sessions that run then go on when the service is started again.

    Raises:
        ConfigurationError: scene definitions cannot be read, or the address cannot or must not be listened on.
        DatasetError: the dataset is missing or not of L5Kit's format.
        BrokerError: Kafka does not answer.
    """
    replay = settings.replay
    check_exposure(replay.host, settings)
    token = service_token(settings)
    catalog = Catalog.open(replay)
    partitions = ensure_topics(settings.kafka)[RAW_TELEMETRY]
    sys.setswitchinterval(_SWITCH_INTERVAL_S)

    metrics = ReplayMetrics()
    with (
        ThreadPoolExecutor(1, "replay-reader") as reader,
        ThreadPoolExecutor(1, "replay-journal") as scribe,
        closing(Producers(settings.kafka)) as producers,
    ):
        producers.stock()
        route = Route(catalog, producers, partitions, reader)
        office = Office(Journal(settings.data_dir), scribe, metrics, replay.idle_end_s)
        sessions = Sessions(route, office, replay.rate_hz)
        commands = CommandListener(settings.kafka, sessions.obey, lambda: os.kill(os.getpid(), signal.SIGTERM))
        ready = False

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            nonlocal ready
            await run_in_threadpool(encode.warm_up)
            await run_in_threadpool(sessions.take_up)
            commands.start()  # behind that: a command is for a session that runs
            ready = True
            yield
            ready = False
            await run_in_threadpool(commands.stop)
            await run_in_threadpool(sessions.suspend)
            reader.shutdown(wait=False, cancel_futures=True)

        app = api.build(
            catalog,
            sessions,
            metrics,
            token,
            kafka_answers=lambda: answers(settings.kafka),
            ready=lambda: ready,
            lifespan=lifespan,
        )
        log.info("dataset_opened", path=str(catalog.dataset.path), digest=catalog.digest, scenes=len(catalog.scenes))
        serve(app, host=replay.host, port=replay.port, port_setting="FLEETOPS_REPLAY__PORT")
        commands.check()
    log.info("service_stopped")
