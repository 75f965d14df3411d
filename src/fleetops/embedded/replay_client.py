"""What the demo asks of replay-service, over its REST API."""

from __future__ import annotations

from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict

from ..errors import FleetOpsError, ServerStartError

TIMEOUT_S = 10.0
RUNNING = frozenset({"running", "paused"})


class SessionStatus(BaseModel):
    """How far a session is; of replay-service's answer, what the demo needs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: str
    status: Literal["running", "paused", "stopped", "completed", "failed"]
    current_frame: int | None = None
    vehicles_active: int = 0
    records_sent: int = 0

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.status in RUNNING


class _Scene(BaseModel):
    scene_id: str


class _Scenes(BaseModel):
    scenes: list[_Scene]
    next: str | None = None


class _Sessions(BaseModel):
    sessions: list[SessionStatus]


class ReplayUnreachableError(ServerStartError):
    """replay-service does not answer right now: it may be starting again."""


class ReplayClient:
    """Talks to replay-service at `url` with the service token.

    Every method raises ReplayUnreachableError while the service is away, and FleetOpsError
    with the service's own words when it refuses.
    """

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_S, trust_env=False
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def scenes(self) -> list[str]:
        """The ids of all scenes of the dataset."""
        ids: list[str] = []
        cursor: str | None = None
        while True:
            params = {} if cursor is None else {"cursor": cursor}
            page = _Scenes.model_validate_json(self._ask("GET", "/replay/scenes", params=params))
            ids += [scene.scene_id for scene in page.scenes]
            cursor = page.next
            if cursor is None:
                return ids

    def start(self, session_id: str, scene_ids: list[str], rate_hz: float) -> None:
        """Replay `scene_ids` at once, under `session_id`; rate 0 is as fast as the broker takes it."""
        request = {"scene_ids": scene_ids, "replay_rate_hz": rate_hz, "session_id": session_id, "mode": "concurrent"}
        self._ask("POST", "/replay/start", json=request)

    def stop(self, session_id: str) -> None:
        """End a session."""
        self._ask("POST", "/replay/stop", json={"session_id": session_id})

    def status(self, session_id: str) -> SessionStatus:
        """How far a session is."""
        return SessionStatus.model_validate_json(self._ask("GET", f"/replay/status/{session_id}"))

    def open_sessions(self) -> list[SessionStatus]:
        """Sessions that have not ended, among them those of an earlier run."""
        answer = _Sessions.model_validate_json(self._ask("GET", "/replay/sessions"))
        return [session for session in answer.sessions if session.open]

    def _ask(self, method: str, path: str, *, params: dict[str, str] | None = None, json: object = None) -> bytes:
        try:
            answer = self._http.request(method, path, params=params, json=json)
        except httpx.TransportError as error:
            raise ReplayUnreachableError(f"replay-service does not answer: {error}") from error
        if answer.is_success:
            return answer.content
        if answer.status_code >= httpx.codes.BAD_GATEWAY:
            raise ReplayUnreachableError(f"replay-service is not ready: {answer.text}")
        raise FleetOpsError(f"replay-service refused {method} {path}: {answer.text}")
