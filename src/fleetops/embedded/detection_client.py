"""What the demo asks of anomaly-service: whether detection has seen everything that was sent."""

from __future__ import annotations

import httpx
from pydantic import BaseModel, ValidationError

QUIET_S = 1.0  # a batch just read may still be in hand; its anomalies come within this
TIMEOUT_S = 2.0


class _Health(BaseModel):
    partitions: list[int]
    lag_records: int


class DetectionClient:
    """Asks anomaly-service at `url`, with the service token, how far behind it is."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/health"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._quiet_since_s: float | None = None

    def caught_up(self, now_s: float) -> bool:
        """Whether nothing has been waiting for detection for `QUIET_S` seconds. Ask repeatedly."""
        if self._lag() != 0:
            self._quiet_since_s = None
            return False
        if self._quiet_since_s is None:
            self._quiet_since_s = now_s
        return now_s - self._quiet_since_s >= QUIET_S

    def _lag(self) -> int | None:
        """Records that wait; None while the service is away or holds no partition yet."""
        try:
            answer = httpx.get(self._url, headers=self._headers, timeout=TIMEOUT_S, trust_env=False)
            health = _Health.model_validate_json(answer.content)
        except (httpx.TransportError, ValidationError):
            return None
        return health.lag_records if health.partitions else None
