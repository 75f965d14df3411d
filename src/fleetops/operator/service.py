"""operator-service as a process: consumer, relay, timers, live picture and HTTP, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import copy_context
from datetime import timedelta
from typing import Final

import httpx
import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from fleetops.auth.oidc.provider import OpenIdProvider
from fleetops.auth.rate_limit import RateLimit
from fleetops.auth.service_token import check_exposure, service_token
from fleetops.bus.admin import ensure_topics
from fleetops.bus.producer import Producer
from fleetops.db.engine import create_engine, session_factory, wait_until_up
from fleetops.db.migrate import require_schema
from fleetops.settings import Settings
from fleetops.web import serve

from .api.app import build
from .consumer import AlertConsumer
from .delays import Delays
from .live.feed import Feed
from .live.ledger import Ledger
from .live.reading import TelemetryReading
from .live.ticker import Ticker
from .quieting import Quieting
from .relay import Relay
from .runtime import LOGIN_WINDOW_S, Runtime
from .timers import Timers
from .upkeep import Upkeep
from .webhook_delivery import Webhooks

log = structlog.stdlib.get_logger()

SERVICE: Final = "operator-service"
_POOL_SIZE: Final = 10
_STOP_S: Final = 5.0


def run(settings: Settings) -> None:
    """Run operator-service until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: it would listen beyond this machine without a service token, or has no database.
        DatabaseError: PostgreSQL does not answer, or lacks our tables.
        BrokerError: Kafka does not answer, or was lost for good while running.
    """
    check_exposure(settings.operator.host, settings)
    asyncio.run(_check_database(settings))
    ensure_topics(settings.kafka)
    process = Process(settings)
    app = build(
        lifespan=process.lifespan,
        ready=process.ready,
        mapbox=settings.operator.mapbox_token is not None,
        https=(settings.operator.public_url or "").startswith("https:"),
    )
    serve(
        app,
        host=settings.operator.host,
        port=settings.operator.port,
        port_setting="FLEETOPS_OPERATOR__PORT",
        trusted_proxies=settings.operator.trusted_proxies,
    )
    if process.failure is not None:
        raise process.failure


async def _check_database(settings: Settings) -> None:
    engine = create_engine(settings, SERVICE, pool_size=1)
    try:
        await wait_until_up(engine, settings.operator.database_timeout_s)
        await require_schema(engine)
    finally:
        await engine.dispose()


class Process:
    """Everything that runs beside the requests. One part failing ends all, and the process is started anew."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.failure: BaseException | None = None
        self._connected: tuple[Callable[[], bool], ...] = ()
        self._halt = threading.Event()

    def ready(self) -> bool:
        """Whether database and Kafka can be listened to."""
        return bool(self._connected) and all(connected() for connected in self._connected)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Start all parts, and stop them in the end."""
        settings, loop = self._settings, asyncio.get_running_loop()
        engine = create_engine(settings, SERVICE, pool_size=_POOL_SIZE)
        sessions = session_factory(engine)
        upstream = httpx.AsyncClient(timeout=settings.operator.upstream_timeout_s, trust_env=False)
        company = settings.operator.oidc
        outside = httpx.AsyncClient(timeout=company.timeout_s if company else None)
        runtime = Runtime(
            settings=settings,
            engine=engine,
            sessions=sessions,
            delays=Delays.of(settings.operator),
            upstream=upstream,
            service_token=service_token(settings),
            kafka_connected=lambda: reading.connected and consumer.connected,
            login_attempts=RateLimit(settings.operator.login_attempts, LOGIN_WINDOW_S),
            oidc=OpenIdProvider(company, outside) if company else None,
        )
        ticker = Ticker(runtime.fleet, runtime.hub)
        reading = TelemetryReading(settings.kafka, runtime.fleet, ticker.wake)
        feed = Feed(engine, sessions, runtime.hub)
        await self._begin(engine, feed)
        consumer = AlertConsumer(settings)
        stop = asyncio.Event()
        parts: dict[str, Callable[[asyncio.Event], Awaitable[None]]] = {
            "relay": Relay(engine, lambda: Producer(settings.kafka, SERVICE)).run,
            "timers": Timers(sessions).run,
            "quieting": Quieting(sessions).run,
            "feed": feed.run,
            "ticker": ticker.run,
            "ledger": Ledger(engine, sessions, runtime.fleet, runtime.delays, listening=lambda: reading.connected).run,
            "webhooks": Webhooks(
                engine,
                sessions,
                networks=settings.operator.webhook_networks,
                timeout_s=settings.operator.webhook_timeout_s,
                give_up=timedelta(hours=settings.operator.webhook_give_up_h),
            ).run,
            "upkeep": Upkeep(sessions, runtime.hub).run,
        }
        threads = [
            self._thread("alerts", lambda: consumer.run(self._halt)),
            self._thread("telemetry", lambda: reading.run(loop, self._halt)),
        ]
        tasks = [asyncio.create_task(self._part(name, part, stop), name=name) for name, part in parts.items()]
        app.state.runtime = runtime
        self._connected = (lambda: feed.connected, runtime.kafka_connected)
        try:
            yield
        finally:
            self._connected = ()
            self._halt.set()
            stop.set()
            await asyncio.wait(tasks, timeout=_STOP_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for thread in threads:
                await asyncio.to_thread(thread.join, _STOP_S)
            await upstream.aclose()
            await outside.aclose()
            await engine.dispose()

    async def _begin(self, engine: AsyncEngine, feed: Feed) -> None:
        try:
            await wait_until_up(engine, self._settings.operator.database_timeout_s)
            await feed.begin()
        except Exception as error:
            self.failure = error
            await engine.dispose()
            raise

    async def _part(self, name: str, part: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
        try:
            await part(stop)
        except Exception as error:  # noqa: BLE001 - whatever it is, the process ends with it
            self._fail(name, error)

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the process ends with it
                self._fail(name, error)

        # With our context, so that its log lines name the service too.
        thread = threading.Thread(target=copy_context().run, args=(guarded,), name=name, daemon=True)
        thread.start()
        return thread

    def _fail(self, name: str, error: Exception) -> None:
        if self.failure is None and not self._halt.is_set():
            self.failure = error
            log.error("part_failed", part=name, exc_info=error)
            os.kill(os.getpid(), signal.SIGTERM)
