"""What operator-service says to Prometheus: the figures of the last 24 hours, and how the service itself does.

All but the last few are read from the database, so every replica says the same; take the
maximum over replicas, not the sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from .kpis import Durations, Kpis, kpis

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SPAN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Here:
    """What only this process knows."""

    websocket_clients: int
    vehicles_tracked: int
    kafka_connected: bool


_LIVE: Final = text(
    "SELECT alert_status, severity, count(*) AS alerts, count(silence_id) AS silenced FROM alerts "
    "WHERE alert_status <> 'RESOLVED' GROUP BY alert_status, severity"
)
_STATES: Final = text("SELECT current_state, count(*) AS vehicles FROM vehicles GROUP BY current_state")
_QUEUES: Final = text(
    """
    SELECT (SELECT last_seq FROM outbox_counter) AS seq,
        (SELECT count(*) FROM outbox WHERE seq IS NULL) AS unstamped,
        (SELECT count(*) FROM outbox
            WHERE published_at IS NULL AND topic IS NOT NULL AND seq IS NOT NULL) AS unpublished,
        (SELECT number FROM audit_head) AS audited,
        (SELECT count(*) FROM audit_log WHERE number IS NULL) AS unsealed,
        (SELECT count(*) FROM silences WHERE ended_at IS NULL) AS silences
    """
)
_WEBHOOKS: Final = text(
    "SELECT webhook_id, greatest(last_seq - delivered_seq, 0) AS waiting, failures, disabled_at IS NULL AS enabled "
    "FROM webhooks, outbox_counter ORDER BY webhook_id"
)


async def render(db: AsyncSession, here: Here, now: datetime) -> bytes:
    """Everything in Prometheus' text format."""
    registry = CollectorRegistry()
    _kpis(registry, await kpis(db, now - SPAN, now))
    live = _gauge(registry, "alerts", "Live alerts.", "status", "severity")
    silenced = _gauge(registry, "alerts_silenced", "Live alerts that a silence hides.", "severity")
    hidden: dict[str, int] = {}
    for row in await db.execute(_LIVE):
        live.labels(row.alert_status, row.severity).set(row.alerts)
        hidden[row.severity] = hidden.get(row.severity, 0) + row.silenced
    for severity, count in hidden.items():
        silenced.labels(severity).set(count)
    states = _gauge(registry, "vehicles", "Vehicles by state.", "state")
    for row in await db.execute(_STATES):
        states.labels(row.current_state).set(row.vehicles)
    _queues(registry, (await db.execute(_QUEUES)).one())
    waiting = _gauge(registry, "webhook_events_waiting", "Events behind the place of a webhook.", "webhook_id")
    failures = _gauge(registry, "webhook_failures", "Attempts in a row that failed.", "webhook_id")
    enabled = _gauge(registry, "webhook_enabled", "1 unless disabled.", "webhook_id")
    for row in await db.execute(_WEBHOOKS):
        waiting.labels(row.webhook_id).set(row.waiting)
        failures.labels(row.webhook_id).set(row.failures)
        enabled.labels(row.webhook_id).set(row.enabled)
    _gauge(registry, "websocket_clients", "Sockets open on this replica.").set(here.websocket_clients)
    _gauge(registry, "vehicles_tracked", "Vehicles whose telemetry this replica sees.").set(here.vehicles_tracked)
    _gauge(registry, "kafka_connected", "1 where this replica hears from Kafka.").set(here.kafka_connected)
    return generate_latest(registry)


def _kpis(registry: CollectorRegistry, found: Kpis) -> None:
    _gauge(registry, "alerts_opened_24h", "Alerts opened in 24 hours.").set(found.alerts)
    _quantiles(registry, "time_to_acknowledge_seconds", found.time_to_acknowledge)
    _quantiles(registry, "time_to_resolve_seconds", found.time_to_resolve)
    load = _gauge(registry, "alerts_per_operator_10min", "Alerts per operator and 10 minutes, over 24 hours.", "stat")
    load.labels("mean").set(found.load.mean)
    load.labels("peak").set(found.load.peak)
    by = ("rule", "type")  # two rule sets may call rules of different types the same
    precision = _gauge(registry, "rule_precision_ratio", "True among those judged true or false, 24 hours.", *by)
    opened = _gauge(registry, "rule_alerts_24h", "Alerts opened by a rule in 24 hours.", *by)
    for rule in found.rules:
        opened.labels(rule.rule, rule.anomaly_type).set(rule.alerts)
        if rule.precision is not None:
            precision.labels(rule.rule, rule.anomaly_type).set(rule.precision)


def _quantiles(registry: CollectorRegistry, name: str, durations: Durations) -> None:
    gauge = _gauge(registry, name, "Of alerts opened in the last 24 hours.", "quantile")
    for quantile, seconds in (("0.5", durations.p50_s), ("0.9", durations.p90_s), ("0.99", durations.p99_s)):
        if seconds is not None:
            gauge.labels(quantile).set(seconds)


def _queues(registry: CollectorRegistry, row: Row[*tuple[object, ...]]) -> None:
    _gauge(registry, "outbox_seq", "The highest number given to an event.").set(row.seq)
    _gauge(registry, "outbox_unstamped", "Events that the relay has not numbered yet.").set(row.unstamped)
    _gauge(registry, "outbox_unpublished", "Events that Kafka has not got yet.").set(row.unpublished)
    _gauge(registry, "audit_number", "The number of the newest sealed audit entry.").set(row.audited)
    _gauge(registry, "audit_unsealed", "Audit entries that are not sealed yet.").set(row.unsealed)
    _gauge(registry, "silences_running", "Silences that have not ended.").set(row.silences)


def _gauge(registry: CollectorRegistry, name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(f"fleetops_operator_{name}", meaning, labels, registry=registry)
