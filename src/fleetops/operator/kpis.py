"""How well alerts are dealt with, in figures, over the alerts that were opened in a span of time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import AnomalyType
from fleetops.contracts.wire import UtcMs
from fleetops.errors import InvalidRequestError

from .views import View

PERIOD: Final = timedelta(minutes=10)
"""What the load on an operator is measured over. Source: EEMUA 191, which calls 1 alarm in it acceptable."""

LONGEST: Final = timedelta(days=366)
_WORST: Final = 10


class Durations(View):
    """Times between two moments of alerts, in seconds; null where there are none."""

    count: int
    mean_s: float | None
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None
    max_s: float | None


class Load(View):
    """Alerts opened per operator in 10 minutes, over the periods of 10 minutes that begin at :00, :10, ...

    The operators of a period are the people who did something to an alert in it; at least one.
    """

    periods: int
    mean: Annotated[float, Field(description="over all periods, quiet ones included")]
    peak: float
    peak_at: Annotated[UtcMs | None, Field(description="when the first of the worst periods began")]


class RuleQuality(View):
    """What people thought of the alerts that a rule opened."""

    rule: str
    anomaly_type: AnomalyType
    alerts: int
    true: int
    false: int
    duplicate: int
    expected: int
    precision: Annotated[float | None, Field(description="true / (true + false); null where neither was said of any")]


class VehicleLoad(View):
    """A vehicle with many alerts."""

    vehicle_id: str
    scene_id: str
    alerts: int
    critical: int
    occurrences: int


class Kpis(View):
    """Figures over the alerts opened from `since` on and before `until`."""

    since: UtcMs
    until: UtcMs
    alerts: int
    critical: int
    resolved: int
    resolved_by_system: int
    time_to_acknowledge: Annotated[Durations, Field(description="from opening to acknowledgement, where there is one")]
    time_to_resolve: Annotated[Durations, Field(description="from opening to the end, whoever brought it about")]
    time_to_resolve_by_people: Durations
    load: Load
    rules: Annotated[list[RuleQuality], Field(description="by name")]
    worst_vehicles: Annotated[list[VehicleLoad], Field(description="ten: the most CRITICAL alerts, then alerts")]


_TOTALS: Final = text(
    """
    WITH opened AS (
        SELECT severity, resolved_by, resolved_at,
            extract(epoch FROM acknowledged_at - created_at)::float8 AS acknowledged,
            extract(epoch FROM resolved_at - created_at)::float8 AS resolved
        FROM alerts WHERE created_at >= :since AND created_at < :until
    )
    SELECT count(*) AS alerts,
        count(*) FILTER (WHERE severity = 'CRITICAL') AS critical,
        count(resolved_at) AS resolved,
        count(resolved_at) FILTER (WHERE resolved_by = 'system') AS resolved_by_system,
        count(acknowledged) AS ack_count, avg(acknowledged) AS ack_mean, max(acknowledged) AS ack_max,
        percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY acknowledged) AS ack_parts,
        count(resolved) AS all_count, avg(resolved) AS all_mean, max(resolved) AS all_max,
        percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY resolved) AS all_parts,
        count(resolved) FILTER (WHERE resolved_by <> 'system') AS people_count,
        avg(resolved) FILTER (WHERE resolved_by <> 'system') AS people_mean,
        max(resolved) FILTER (WHERE resolved_by <> 'system') AS people_max,
        percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY resolved)
            FILTER (WHERE resolved_by <> 'system') AS people_parts
    FROM opened
    """
)

_LOAD: Final = text(
    """
    WITH opened AS (
        SELECT date_bin('10 minutes', created_at, 'epoch') AS period, count(*) AS alerts
        FROM alerts WHERE created_at >= :since AND created_at < :until GROUP BY 1
    ), acted AS (
        SELECT date_bin('10 minutes', created_at, 'epoch') AS period, count(DISTINCT operator_id) AS operators
        FROM operator_actions
        WHERE created_at >= :since AND created_at < :until
            AND operator_id <> 'system' AND operator_id NOT LIKE 'token:%'
        GROUP BY 1
    ), load AS (
        SELECT period, alerts::float8 / greatest(coalesce(operators, 1), 1) AS load
        FROM opened LEFT JOIN acted USING (period)
    )
    SELECT coalesce(sum(load), 0) AS total, coalesce(max(load), 0) AS peak,
        (SELECT period FROM load ORDER BY load DESC, period LIMIT 1) AS peak_at
    FROM load
    """
)

_RULES: Final = text(
    """
    SELECT triggered_rule, anomaly_type, count(*) AS alerts,
        count(*) FILTER (WHERE disposition = 'true') AS said_true,
        count(*) FILTER (WHERE disposition = 'false') AS said_false,
        count(*) FILTER (WHERE disposition = 'duplicate') AS duplicate,
        count(*) FILTER (WHERE disposition = 'expected') AS expected
    FROM alerts WHERE created_at >= :since AND created_at < :until
    GROUP BY triggered_rule, anomaly_type ORDER BY triggered_rule, anomaly_type
    """
)

_VEHICLES: Final = text(
    """
    SELECT vehicle_id, min(scene_id) AS scene_id, count(*) AS alerts,
        count(*) FILTER (WHERE severity = 'CRITICAL') AS critical, sum(occurrences)::bigint AS occurrences
    FROM alerts WHERE created_at >= :since AND created_at < :until
    GROUP BY vehicle_id ORDER BY critical DESC, alerts DESC, vehicle_id LIMIT :limit
    """
)


async def kpis(db: AsyncSession, since: datetime, until: datetime) -> Kpis:
    """The figures of the alerts opened from `since` on and before `until`.

    Raises:
        InvalidRequestError: there is no time between the two, or more than a year.
    """
    if not timedelta(0) < until - since <= LONGEST:
        raise InvalidRequestError(f"since must lie before until, and no more than {LONGEST.days} days before it")
    span = {"since": since, "until": until}
    totals = (await db.execute(_TOTALS, span)).one()
    load = (await db.execute(_LOAD, span)).one()
    periods = periods_between(since, until)
    return Kpis(
        since=since,
        until=until,
        alerts=totals.alerts,
        critical=totals.critical,
        resolved=totals.resolved,
        resolved_by_system=totals.resolved_by_system,
        time_to_acknowledge=_durations(totals, "ack"),
        time_to_resolve=_durations(totals, "all"),
        time_to_resolve_by_people=_durations(totals, "people"),
        load=Load(periods=periods, mean=load.total / periods, peak=load.peak, peak_at=load.peak_at),
        rules=[
            RuleQuality(
                rule=row.triggered_rule,
                anomaly_type=row.anomaly_type,
                alerts=row.alerts,
                true=row.said_true,
                false=row.said_false,
                duplicate=row.duplicate,
                expected=row.expected,
                precision=_ratio(row.said_true, row.said_true + row.said_false),
            )
            for row in await db.execute(_RULES, span)
        ],
        worst_vehicles=[
            VehicleLoad(
                vehicle_id=row.vehicle_id,
                scene_id=row.scene_id,
                alerts=row.alerts,
                critical=row.critical,
                occurrences=row.occurrences,
            )
            for row in await db.execute(_VEHICLES, {**span, "limit": _WORST})
        ],
    )


def periods_between(since: datetime, until: datetime) -> int:
    """How many periods of 10 minutes, which begin at :00, :10, ..., the span touches."""
    length = PERIOD.total_seconds()
    return int(-(-until.timestamp() // length) - since.timestamp() // length)


def _durations(row: Row[*tuple[object, ...]], name: str) -> Durations:
    facts = row._mapping
    p50, p90, p99 = facts[f"{name}_parts"] or (None, None, None)
    return Durations(
        count=facts[f"{name}_count"],
        mean_s=facts[f"{name}_mean"],
        p50_s=p50,
        p90_s=p90,
        p99_s=p99,
        max_s=facts[f"{name}_max"],
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
