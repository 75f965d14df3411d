"""What replay-service counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class ReplayMetrics:
    """Counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.records = Counter(
            "fleetops_replay_records",
            "Telemetry records that the broker has acknowledged, repetitions after a restart included",
            registry=self._registry,
        )
        self.frames = Counter(
            "fleetops_replay_frames", "Frames that the broker has acknowledged", registry=self._registry
        )
        self.lateness = Histogram(
            "fleetops_replay_frame_lateness_seconds",
            "How long after it was due a frame began to be sent, at rates above 0",
            registry=self._registry,
            buckets=_SECONDS,
        )
        self.latency = Histogram(
            "fleetops_replay_to_kafka_latency_seconds",
            "From the start of a frame's emission to the acknowledgement of its last marker",
            registry=self._registry,
            buckets=_SECONDS,
        )
        self.interruptions = Counter(
            "fleetops_replay_broker_interruptions",
            "Times that a session had to begin again from the last acknowledged frame",
            registry=self._registry,
        )
        self.manoeuvres = Counter(
            "fleetops_replay_manoeuvres",
            "Times that a vehicle began to do what an operator wanted",
            ["action"],
            registry=self._registry,
        )

    def render(self) -> bytes:
        """The counters in Prometheus' text format."""
        return generate_latest(self._registry)
