"""Waiting for a server to answer."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient


def wait_for_kafka(
    address: str, process: subprocess.Popen[bytes] | None, *, within_s: float, log: Callable[[], str]
) -> None:
    """Return once the broker at `address` tells its metadata; fail with its log when it does not."""
    # Refused connections are expected here; the library's lines about them go nowhere.
    quiet = logging.Logger("quiet", level=logging.CRITICAL)
    client = AdminClient({"bootstrap.servers": address, "reconnect.backoff.max.ms": 200}, logger=quiet)
    deadline = time.monotonic() + within_s
    while True:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the broker at {address} ended with {process.returncode}:\n{log()}")
        try:
            if client.list_topics(timeout=1).brokers:
                return
        except KafkaException:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError(f"the broker at {address} did not answer within {within_s:g} s:\n{log()}")
        time.sleep(0.05)
