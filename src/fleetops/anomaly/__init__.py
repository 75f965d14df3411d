"""anomaly-service: windows, features and rules over `raw_telemetry`, anomalies out.

Everything but `service`, `worker` and `api` is pure: no clock, no logger, no client.
"""
