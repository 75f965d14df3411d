"""What may be asked of the history, as query parameters: the same for a list and for its export."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from fleetops.contracts.vocabulary import AlertStatus, AnomalyType, Severity
from fleetops.contracts.wire import Moment
from fleetops.db.models import Disposition
from fleetops.errors import InvalidRequestError
from fleetops.operator.search import AlertFilter, IncidentFilter

from .schemas import STORABLE

Word = Annotated[str | None, Field(max_length=255, pattern=STORABLE)]


class _Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    severity: Annotated[list[Severity], Field(description="any of these")] = []
    anomaly_type: Annotated[list[AnomalyType], Field(alias="type", description="any of these")] = []
    disposition: Annotated[list[Disposition], Field(description="any of these")] = []
    vehicle_id: Word = None
    scene_id: Word = None
    text: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=STORABLE,
            description="occurs in one of the alert's comments, in whichever case",
        ),
    ] = None


class AlertParameters(_Parameters):
    """Filters of alerts; all that are given must fit."""

    status: Annotated[list[AlertStatus], Field(description="any of these")] = []
    replay_session_id: Word = None
    silenced: Annotated[
        bool | None,
        Field(description="only those that a silence hides, or hid when resolved; or only others"),
    ] = None
    operator_id: Annotated[Word, Field(description="who has it, or acknowledged or resolved it")] = None
    since: Annotated[Moment | None, Field(description="opened then or later")] = None
    until: Annotated[Moment | None, Field(description="opened before")] = None


class IncidentParameters(_Parameters):
    """Filters of incidents; all that are given must fit."""

    operator_id: Annotated[Word, Field(description="who resolved it")] = None
    action_type: Annotated[Word, Field(description="by what it was resolved", examples=["AUTO_CLEARED"])] = None
    since: Annotated[Moment | None, Field(description="resolved then or later")] = None
    until: Annotated[Moment | None, Field(description="resolved before")] = None


def _alerts(given: Annotated[AlertParameters, Query()]) -> AlertFilter:
    _check(given.since, given.until)
    return AlertFilter(
        statuses=tuple(given.status),
        severities=tuple(given.severity),
        anomaly_types=tuple(given.anomaly_type),
        dispositions=tuple(given.disposition),
        vehicle_id=given.vehicle_id,
        scene_id=given.scene_id,
        replay_session_id=given.replay_session_id,
        operator_id=given.operator_id,
        since=given.since,
        until=given.until,
        text=given.text,
        silenced=given.silenced,
    )


def _incidents(given: Annotated[IncidentParameters, Query()]) -> IncidentFilter:
    _check(given.since, given.until)
    return IncidentFilter(
        severities=tuple(given.severity),
        anomaly_types=tuple(given.anomaly_type),
        dispositions=tuple(given.disposition),
        vehicle_id=given.vehicle_id,
        scene_id=given.scene_id,
        operator_id=given.operator_id,
        action_type=given.action_type,
        since=given.since,
        until=given.until,
        text=given.text,
    )


WantedAlerts = Annotated[AlertFilter, Depends(_alerts)]
WantedIncidents = Annotated[IncidentFilter, Depends(_incidents)]


def _check(since: datetime | None, until: datetime | None) -> None:
    if since is not None and until is not None and since >= until:
        raise InvalidRequestError("since must be before until")
