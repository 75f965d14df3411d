"""The figures equal what plain Python makes of the tables."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from tests.integration.operator.stories import NOW, Sessions, anomaly, cleared, deliver, do, tick

from fleetops.contracts import ids
from fleetops.contracts.vocabulary import ActionType, AlertStatus, AnomalyType, Severity
from fleetops.db.models import ActionRecord, Alert, Disposition
from fleetops.errors import ConflictError, InvalidRequestError
from fleetops.operator import metrics
from fleetops.operator.kpis import Durations, Kpis, kpis, periods_between

CARS = [ids.vehicle_id("scene_001", track) for track in range(14)]
RULES = ["hard_braking", "heading_flipped", "vanished_nearby"]
END = NOW + timedelta(hours=3)


async def a_busy_shift(sessions: Sessions) -> None:
    """Three hours of alerts of 14 vehicles, dealt with by three people, a program and the system."""
    dice = random.Random(7)
    now = NOW
    while now < END:
        now += timedelta(seconds=dice.uniform(30, 400))
        kind, car = dice.choice(list(AnomalyType)), dice.choice(CARS)
        found = anomaly(dice.randrange(10_000), kind=kind, vehicle=car, severity=dice.choice(list(Severity)), at=now)
        rule = RULES[list(AnomalyType).index(kind)]
        await deliver(sessions, found.model_copy(update={"triggered_rule": rule}), now=now)
        if dice.random() < 0.3:
            await deliver(sessions, cleared(20_000, kind, car), now=now)
        await tick(sessions, now)
        async with sessions() as db:
            live = (
                await db.scalars(
                    select(Alert.alert_id).where(Alert.alert_status != AlertStatus.RESOLVED).order_by(Alert.alert_id)
                )
            ).all()
        for alert_id in dice.sample(live, min(2, len(live))):
            # What is not allowed is not done, and the figures are of what was.
            with suppress(ConflictError):
                await do(
                    sessions,
                    dice.choice([ActionType.ACKNOWLEDGE, ActionType.RESOLVE, ActionType.UNACKNOWLEDGE]),
                    alert_id,
                    by=dice.choice(["jo", "kim", "lee", "token:nightly"]),
                    now=now + timedelta(seconds=dice.uniform(0, 60)),
                    disposition=dice.choice(list(Disposition)),
                )


def percentile(values: list[float], part: float) -> float:
    """Between the two nearest ranks, as textbooks have it."""
    at = (len(values) - 1) * part
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def durations(values: Iterable[timedelta]) -> Durations:
    """Of some times."""
    seconds = sorted(value.total_seconds() for value in values)
    if not seconds:
        return Durations(count=0, mean_s=None, p50_s=None, p90_s=None, p99_s=None, max_s=None)
    return Durations(
        count=len(seconds),
        mean_s=sum(seconds) / len(seconds),
        p50_s=percentile(seconds, 0.5),
        p90_s=percentile(seconds, 0.9),
        p99_s=percentile(seconds, 0.99),
        max_s=seconds[-1],
    )


def recomputed(alerts: list[Alert], actions: list[ActionRecord], since: datetime, until: datetime) -> dict[str, object]:
    """The figures once more, from the rows, the slow way."""
    opened = [alert for alert in alerts if since <= alert.created_at < until]
    done = [action for action in actions if since <= action.created_at < until]
    start = since.replace(minute=since.minute // 10 * 10, second=0, microsecond=0)
    periods = []
    while start < until:
        stop = start + timedelta(minutes=10)
        people = {
            a.operator_id for a in done if start <= a.created_at < stop and not a.operator_id.startswith("token:")
        }
        count = sum(start <= alert.created_at < stop for alert in opened)
        periods.append((count / max(1, len(people)), start))
        start = stop
    peak = max(load for load, _ in periods)
    vehicles: defaultdict[str, list[Alert]] = defaultdict(list)
    rules: defaultdict[str, list[Alert]] = defaultdict(list)
    for alert in opened:
        vehicles[alert.vehicle_id].append(alert)
        rules[alert.triggered_rule].append(alert)
    worst = sorted(
        vehicles.items(), key=lambda v: (-sum(a.severity is Severity.CRITICAL for a in v[1]), -len(v[1]), v[0])
    )
    return {
        "alerts": len(opened),
        "critical": sum(alert.severity is Severity.CRITICAL for alert in opened),
        "resolved": sum(alert.resolved_at is not None for alert in opened),
        "resolved_by_system": sum(alert.resolved_by == "system" for alert in opened),
        "time_to_acknowledge": durations(a.acknowledged_at - a.created_at for a in opened if a.acknowledged_at),
        "time_to_resolve": durations(a.resolved_at - a.created_at for a in opened if a.resolved_at),
        "time_to_resolve_by_people": durations(
            a.resolved_at - a.created_at for a in opened if a.resolved_at and a.resolved_by != "system"
        ),
        "load": (len(periods), sum(load for load, _ in periods) / len(periods), peak),
        "peak_at": next(at for load, at in periods if load == peak) if opened else None,
        "rules": [
            (rule, len(found), *(sum(a.disposition == said for a in found) for said in Disposition), precision(found))
            for rule, found in sorted(rules.items())
        ],
        "worst": [
            (
                vehicle,
                len(found),
                sum(a.severity is Severity.CRITICAL for a in found),
                sum(a.occurrences for a in found),
            )
            for vehicle, found in worst[:10]
        ],
    }


def precision(found: list[Alert]) -> float | None:
    """True among true and false."""
    true = sum(alert.disposition == "true" for alert in found)
    false = sum(alert.disposition == "false" for alert in found)
    return true / (true + false) if true + false else None


def as_compared(found: Kpis) -> dict[str, object]:
    """The figures in the form of `recomputed`."""
    return {
        "alerts": found.alerts,
        "critical": found.critical,
        "resolved": found.resolved,
        "resolved_by_system": found.resolved_by_system,
        "time_to_acknowledge": found.time_to_acknowledge,
        "time_to_resolve": found.time_to_resolve,
        "time_to_resolve_by_people": found.time_to_resolve_by_people,
        "load": (found.load.periods, found.load.mean, found.load.peak),
        "peak_at": found.load.peak_at,
        "rules": [(r.rule, r.alerts, r.true, r.false, r.duplicate, r.expected, r.precision) for r in found.rules],
        "worst": [(v.vehicle_id, v.alerts, v.critical, v.occurrences) for v in found.worst_vehicles],
    }


def numbers(value: object) -> object:
    """Plain lists, their fractions comparable as fractions are."""
    if isinstance(value, Durations):
        return numbers(list(value.model_dump().values()))
    if isinstance(value, tuple | list):
        return [numbers(each) for each in value]
    return pytest.approx(value) if isinstance(value, float) else value


async def test_figures_equal_a_recomputation_from_the_tables(sessions: Sessions) -> None:
    """All of it, part of it, cut across periods, and a span in which nothing was."""
    await a_busy_shift(sessions)
    async with sessions() as db:
        alerts = list(await db.scalars(select(Alert)))
        actions = list(await db.scalars(select(ActionRecord)))
        spans = [
            (NOW, END + timedelta(hours=1)),
            (NOW + timedelta(minutes=47, seconds=13), NOW + timedelta(minutes=131, microseconds=1)),
            (NOW - timedelta(hours=2), NOW),
        ]
        for since, until in spans:
            found = as_compared(await kpis(db, since, until))
            expected = recomputed(alerts, actions, since, until)
            for name, value in expected.items():
                assert found[name] == value or numbers(found[name]) == numbers(value), name
    whole = recomputed(alerts, actions, *spans[0])
    assert len(alerts) > 30
    times = [value for value in whole.values() if isinstance(value, Durations)]
    assert [each.count > 3 for each in times] == [True] * 3


@pytest.mark.parametrize(
    ("since", "until", "count"),
    [
        (NOW, NOW + timedelta(minutes=10), 1),
        (NOW, NOW + timedelta(minutes=10, microseconds=1), 2),
        (NOW - timedelta(microseconds=1), NOW + timedelta(minutes=10), 2),
        (NOW + timedelta(minutes=3), NOW + timedelta(minutes=4), 1),
        (NOW, NOW + timedelta(days=1), 144),
    ],
)
def test_periods_that_a_span_touches(since: datetime, until: datetime, count: int) -> None:
    """Those that it only touches count whole."""
    assert periods_between(since, until) == count


@pytest.mark.parametrize("length", [timedelta(0), timedelta(hours=-1), timedelta(days=367)])
async def test_a_span_must_be_one(sessions: Sessions, length: timedelta) -> None:
    """Neither empty, nor backwards, nor longer than a year."""
    async with sessions() as db:
        with pytest.raises(InvalidRequestError, match="since must lie before until"):
            await kpis(db, NOW, NOW + length)


async def test_prometheus_gets_the_same_figures(sessions: Sessions) -> None:
    """The last 24 hours as gauges, live counts, queues, and what this replica alone knows."""
    await a_busy_shift(sessions)
    here = metrics.Here(websocket_clients=3, vehicles_tracked=5, kafka_connected=True)
    async with sessions() as db:
        found = await kpis(db, END - metrics.SPAN, END)
        lines = (await metrics.render(db, here, END)).decode().splitlines()
        live = list(await db.scalars(select(Alert).where(Alert.alert_status != AlertStatus.RESOLVED)))
    said = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    values = {name.removeprefix("fleetops_operator_"): float(value) for name, value in said.items()}
    assert values["alerts_opened_24h"] == found.alerts
    assert values['time_to_acknowledge_seconds{quantile="0.9"}'] == found.time_to_acknowledge.p90_s
    assert values['alerts_per_operator_10min{stat="peak"}'] == found.load.peak
    for rule in found.rules:
        labels = f'{{rule="{rule.rule}",type="{rule.anomaly_type}"}}'
        assert (values[f"rule_alerts_24h{labels}"], values[f"rule_precision_ratio{labels}"]) == (
            rule.alerts, rule.precision,
        )  # fmt: skip
    assert sum(value for name, value in values.items() if name.startswith("alerts{")) == len(live)
    assert values['vehicles{state="ALERTING"}'] > 0
    assert values["audit_unsealed"] > values["outbox_unpublished"] == 0 < values["outbox_unstamped"]
    assert (values["websocket_clients"], values["vehicles_tracked"], values["kafka_connected"]) == (3, 5, 1)


async def test_a_rule_of_two_types_has_figures_of_each(sessions: Sessions) -> None:
    """Two rule sets may use one name: neither's alerts stand for the other's."""
    for frame, kind in enumerate(
        [AnomalyType.DROPOUT_PROXY, AnomalyType.DROPOUT_PROXY, AnomalyType.SUDDEN_DECELERATION]
    ):
        found = anomaly(frame, kind=kind, vehicle=CARS[frame]).model_copy(update={"triggered_rule": "ours"})
        await deliver(sessions, found, now=NOW)
    async with sessions() as db:
        text = (await metrics.render(db, metrics.Here(0, 0, False), END)).decode()
    counts = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith("fleetops_operator_rule_alerts")]
    assert sorted(counts) == ["1.0", "2.0"]


async def test_an_empty_database_has_figures_too(sessions: Sessions) -> None:
    """Zeros and nulls, not errors."""
    async with sessions() as db:
        found = await kpis(db, NOW, END)
        text = await metrics.render(db, metrics.Here(0, 0, False), NOW)
    assert (found.alerts, found.time_to_resolve.p50_s, found.load.peak, found.load.peak_at) == (0, None, 0, None)
    assert b"fleetops_operator_alerts_opened_24h 0.0" in text
