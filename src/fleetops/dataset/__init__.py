"""L5Kit data in, telemetry out."""
