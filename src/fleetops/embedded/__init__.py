"""Kafka-protocol broker and PostgreSQL as child processes, and the supervisor behind `fleetops demo`."""
