"""anomaly-service over HTTP: is it well, what are its rules, what does it count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field, JsonValue, SecretStr

from fleetops import __version__
from fleetops.auth.service_token import require_service_token
from fleetops.contracts.vocabulary import AnomalyType, Label
from fleetops.web import create_app, problems

from .features import FRAME_MS
from .metrics import Metrics
from .rule_set import RuleSet, Thresholds, threshold_values
from .rules import Rule, Scope, spans


class Threshold(BaseModel):
    """A bound of a rule."""

    value: float
    unit: str


class RuleView(BaseModel):
    """One rule as an operator reads it."""

    name: Annotated[str, Field(description="`triggered_rule` of the anomalies it raises")]
    anomaly_type: AnomalyType
    scope: Annotated[Scope, Field(description="what it speaks of; a scene's rules are shown on its ego vehicle")]
    sentence: str
    thresholds: dict[str, Threshold]
    window_frames: Annotated[int | None, Field(description="frames it looks at; none where it has no window")]
    window_ms: int | None
    guards: Annotated[
        dict[str, int],
        Field(description="further spans, in frames: warm-up of a track, how many of how many must hold"),
    ]


class RulesAnswer(BaseModel):
    """The running rule set."""

    rules: list[RuleView]
    next: None = None
    rule_set: Annotated[str, Field(description="`name@sha256:…`, as in every anomaly's provenance")]
    version: int
    description: str
    rearm_frames: Annotated[int, Field(description="a condition that has not fired for this long has ended")]
    retire_frames: Annotated[int, Field(description="a vehicle silent for this long is forgotten")]
    concurrent_is_critical: bool
    two_minor_are_warning: Annotated[bool, Field(description="two INFO conditions of one type at once are a WARNING")]
    classes: Annotated[list[Label], Field(description="only tracks of these classes are judged; empty: all")]


class HealthAnswer(BaseModel):
    """How the service is."""

    status: Annotated[str, Field(description="healthy, or degraded while Kafka does not answer")]
    kafka_connected: bool
    compiled: Annotated[bool, Field(description="whether the detector runs as machine code yet")]
    rule_set: str
    partitions: list[int]
    lag_records: Annotated[int, Field(description="records on the bus and not read yet")]


@dataclass(frozen=True)
class Status:
    """What the shell knows of itself at the moment."""

    kafka_connected: bool
    compiled: bool
    lag: dict[int, int]


def build_app(rules: RuleSet, token: SecretStr, metrics: Metrics, status: Callable[[], Status]) -> FastAPI:
    """The application; `status` is asked at each request."""
    app = create_app("anomaly-service", __version__, lifespan=None, ready=lambda: status().kafka_connected)
    router = APIRouter(dependencies=[Depends(require_service_token(token))], responses=problems(401))

    @router.get("/health", tags=["health"])
    async def health() -> HealthAnswer:
        """Whether the service can do its work."""
        now = status()
        return HealthAnswer(
            status="healthy" if now.kafka_connected else "degraded",
            kafka_connected=now.kafka_connected,
            compiled=now.compiled,
            rule_set=rules.identity,
            partitions=sorted(now.lag),
            lag_records=sum(now.lag.values()),
        )

    @router.get("/anomalies/rules", tags=["rules"])
    async def list_rules() -> RulesAnswer:
        """Every rule that runs, with its thresholds, units, window and meaning."""
        return RulesAnswer(
            rules=[_view(kind, values) for kind, values in zip(rules.kinds, rules.rules, strict=True)],
            rule_set=rules.identity,
            version=rules.version,
            description=rules.description,
            rearm_frames=rules.rearm_frames,
            retire_frames=rules.retire_frames,
            concurrent_is_critical=rules.concurrent_is_critical,
            two_minor_are_warning=rules.two_minor_are_warning,
            classes=list(rules.classes),
        )

    @router.get("/metrics", tags=["health"], response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def prometheus() -> Response:
        """Counters in Prometheus' text format."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/openapi.json", tags=["health"])
    async def openapi() -> dict[str, JsonValue]:
        """This document."""
        return app.openapi()

    app.include_router(router)
    return app


def _view(kind: Rule, values: Thresholds) -> RuleView:
    frames = getattr(values, "window_frames", None)
    return RuleView(
        name=kind.name,
        anomaly_type=kind.anomaly_type,
        scope=kind.scope,
        sentence=kind.sentence,
        thresholds={
            name: Threshold(value=value, unit=kind.units[name]) for name, value in threshold_values(values).items()
        },
        window_frames=frames,
        window_ms=None if frames is None else frames * FRAME_MS,
        guards={name: span for name, span in spans(values).items() if name != "window_frames"},
    )
