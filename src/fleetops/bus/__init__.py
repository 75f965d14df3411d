"""Kafka: the only place that knows the client library.

Its calls block, so each consumer runs in one thread of its own, never on an event loop.
"""
