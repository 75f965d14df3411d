"""What detection counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The counters and gauges of one anomaly-service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = Counter("fleetops_detection_records", "Records and markers taken in.", registry=self.registry)
        self.duplicates = Counter(
            "fleetops_detection_duplicates", "Records seen before, dropped.", registry=self.registry
        )
        self.late = Counter(
            "fleetops_detection_late", "Records that came too late, dead-lettered.", registry=self.registry
        )
        self.malformed = Counter(
            "fleetops_detection_malformed", "Records that could not be read, dead-lettered.", registry=self.registry
        )
        self.anomalies = Counter(
            "fleetops_anomalies",
            "Anomalies produced.",
            ["anomaly_type", "severity", "status"],
            registry=self.registry,
        )
        self.latency = Histogram(
            "fleetops_kafka_to_anomaly_latency_seconds",
            "From taking a batch off the bus to its anomalies being acknowledged.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
            registry=self.registry,
        )
        self.lag_frames = Gauge(
            "fleetops_detection_lag_frames",
            "Frames between the head of the bus and the last one evaluated, of the partition furthest behind.",
            registry=self.registry,
        )
        self.vehicles = Gauge("fleetops_detection_vehicles", "Vehicles being watched.", registry=self.registry)
        self.scenes = Gauge("fleetops_detection_scenes", "Scenes being watched, per partition.", registry=self.registry)
