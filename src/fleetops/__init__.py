"""FleetOps: replay recorded driving data as a live fleet, watch it for anomalies, act on them.

Simulation only. FleetOps models post-perception telemetry, detection and operator
workflow. It does not model sensors, does not control vehicles, and makes no safety claim.
"""

__version__ = "0.1.0"
