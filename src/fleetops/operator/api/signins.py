"""The sessions of signed-in browsers: one's own, and for supervisors anyone's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from fleetops.auth.roles import Role
from fleetops.contracts.wire import UtcMs
from fleetops.db.transaction import transact
from fleetops.operator import signins
from fleetops.operator.views import View
from fleetops.web import problems

from .callers import Authenticated, InRuntime, InTransaction, Viewer
from .schemas import STORABLE

router = APIRouter(prefix="/auth/sessions", tags=["session"])


class SessionView(View):
    """A signed-in browser."""

    session_id: Annotated[UUID, Field(description="to revoke it by; it opens nothing")]
    operator_id: str
    created_at: UtcMs
    expires_at: UtcMs
    last_seen_at: Annotated[UtcMs, Field(description="to the minute")]
    address: Annotated[str | None, Field(description="where it was opened from, as the server saw it")]
    user_agent: Annotated[str | None, Field(description="what the browser called itself")]
    provided: Annotated[bool, Field(description="an OpenID provider let it in")]
    current: Annotated[bool, Field(description="it is the one that this request came with")]


class Sessions(View):
    """The sessions of one operator that still hold, newest first."""

    sessions: list[SessionView]


@router.get("", responses=problems(401, 403, 422))
async def list_sessions(
    credential: Authenticated,
    db: InTransaction,
    operator_id: Annotated[
        str | None, Query(max_length=255, pattern=STORABLE, description="whose; one's own when left out")
    ] = None,
) -> Sessions:
    """Where an operator is signed in. Another's are a supervisor's to see."""
    if operator_id not in {None, credential.principal.operator_id}:
        credential.principal.require(Role.SUPERVISOR)
    whose = operator_id or credential.principal.operator_id
    return Sessions(
        sessions=[
            SessionView(
                session_id=each.session_id,
                operator_id=each.operator_id,
                created_at=each.created_at,
                expires_at=each.expires_at,
                last_seen_at=each.last_seen_at,
                address=each.address,
                user_agent=each.user_agent,
                provided=each.provided,
                current=each.hash == credential.hash,
            )
            for each in await signins.list_signins(db, whose, datetime.now(UTC))
        ]
    )


@router.delete("/{session_id}", status_code=204, responses=problems(401, 403, 404, 422))
async def revoke_session(caller: Viewer, runtime: InRuntime, session_id: UUID) -> Response:
    """End a session and its sockets. Another's is a supervisor's to end; for all others it does not exist."""
    now = datetime.now(UTC)
    runtime.hub.sign_out(await transact(runtime.sessions, lambda db: signins.revoke(db, caller, session_id, now)))
    return Response(status_code=204)
