"""Live alerts by scene and type over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from fleetops.operator.groups import AlertGroup, group_alerts
from fleetops.operator.views import View
from fleetops.web import problems

from .callers import InTransaction, Viewer
from .schemas import STORABLE

router = APIRouter(prefix="/alerts/groups", tags=["alerts"])


class AlertGroups(View):
    """Groups, the most severe first, then the newest."""

    groups: list[AlertGroup]


@router.get("", responses=problems(401, 403, 422))
async def list_alert_groups(
    _: Viewer,
    db: InTransaction,
    scene_id: Annotated[str | None, Query(max_length=255, pattern=STORABLE)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> AlertGroups:
    """The live alerts by replay session, scene and type."""
    return AlertGroups(groups=await group_alerts(db, scene_id=scene_id, limit=limit))
