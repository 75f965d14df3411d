"""What a transaction has to tell, written in the same transaction; and reading it back in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.operations import OperatorAction, OperatorAlert
from fleetops.contracts.topics import OPERATOR_ACTIONS, OPERATOR_ALERTS
from fleetops.contracts.vocabulary import AlertStatus
from fleetops.db.base import JsonObject
from fleetops.db.models import ActionRecord, Alert, OutboxCounter, OutboxKind, OutboxRow, Vehicle

from .audit import SYSTEM, WRITTEN_CHANNEL, Entry, record_all
from .fleet import Fleet
from .flushing import flush_evenly
from .silencing import Facts, silenced_by
from .views import ActionView

__all__ = ["STAMPED_CHANNEL", "WRITTEN_CHANNEL", "Changes", "OutboxEvent", "audited", "facts_of"]

STAMPED_CHANNEL = "fleetops_outbox"
"""Wakes every replica's sockets: rows have a `seq`; the payload is the highest."""


_CHANGED = "alert.changed"

_OUTBOX = cast("Table", OutboxRow.__table__)
"""Not the class: its bulk insert would split the rows by which of their fields are empty."""

_ACTIONS = cast("Table", ActionRecord.__table__)
"""In the order in which they are given, which is that of their numbers."""


@dataclass(slots=True)
class Changes:
    """Collects what a transaction changed, in order, as rows of the outbox and of the audit log."""

    fleet: Fleet
    now: datetime
    _rows: list[dict[str, object]] = field(default_factory=list)
    _actions: list[dict[str, object]] = field(default_factory=list)
    _entries: list[Entry] = field(default_factory=list)
    _versions: dict[UUID, int] = field(default_factory=dict)

    def alert(self, alert: Alert, kind: OutboxKind = OutboxKind.ALERT_UPDATED) -> None:
        """`alert` stands as it does now; its version has grown already. Whether it is silenced is settled here."""
        if alert.alert_status is not AlertStatus.RESOLVED:
            alert.silence_id = silenced_by(facts_of(alert), self.fleet.silences, self.now)
        message = OperatorAlert(
            alert_id=alert.alert_id,
            anomaly_id=alert.anomaly_id,
            vehicle_id=alert.vehicle_id,
            event_time=alert.event_time,
            processing_time=self.now,
            alert_status=alert.alert_status,
            severity=alert.severity,
            anomaly_type=alert.anomaly_type,
            assigned_operator_id=alert.assigned_operator_id,
            created_at=alert.created_at,
            version=alert.version,
            occurrences=alert.occurrences,
            replay_session_id=alert.replay_session_id,
        )
        what = "alert.opened" if kind is OutboxKind.ALERT_CREATED else _CHANGED
        self._entries.append(
            Entry(self.now, SYSTEM, what, "alert", str(alert.alert_id), alert.version, _as_it_stands(alert))
        )
        self._versions[alert.alert_id] = alert.version
        event = {"alert": self.fleet.alert_view(alert).model_dump(mode="json")}
        self._add(kind, event, OPERATOR_ALERTS, str(alert.alert_id), message.model_dump(mode="json"))

    def touched(self, alert: Alert) -> None:
        """Something about `alert` changed: its next version."""
        alert.version += 1
        self.alert(alert)

    def action(self, action: ActionView) -> None:
        """`action` was done: it is kept, and told."""
        message = OperatorAction(
            action_id=action.action_id,
            alert_id=action.alert_id,
            vehicle_id=action.vehicle_id,
            operator_id=action.operator_id,
            action_type=action.action_type,
            processing_time=self.now,
            metadata=action.metadata,
        )
        alert = self.fleet.live[action.vehicle_id].get(action.alert_id)
        self._entries.append(
            Entry(
                self.now,
                action.operator_id,
                f"alert.{action.action_type.lower()}",
                "alert",
                str(action.alert_id),
                self._versions.get(action.alert_id, alert.version if alert else None),
                {"action_id": str(action.action_id), "vehicle_id": action.vehicle_id, **action.metadata},
            )
        )
        self._actions.append(
            {
                "action_id": action.action_id,
                "alert_id": action.alert_id,
                "vehicle_id": action.vehicle_id,
                "operator_id": action.operator_id,
                "action_type": action.action_type,
                "metadata": action.metadata,
                "created_at": action.created_at,
            }
        )
        event = {"action": action.model_dump(mode="json")}
        self._add(
            OutboxKind.ACTION_EXECUTED,
            event,
            OPERATOR_ACTIONS,
            str(action.action_id),
            message.model_dump(mode="json"),
        )

    def settle(self, vehicle: Vehicle, *, shown_anew: bool = False) -> None:
        """Give `vehicle` the state that its alerts and interventions make; told when it is another.

        `shown_anew`: something else that is shown of it changed.
        """
        state = self.fleet.state_of(vehicle)
        if state == vehicle.current_state and not shown_anew:
            return
        if state != vehicle.current_state:
            states: dict[str, JsonValue] = {"from": vehicle.current_state, "to": state}
            self._entries.append(
                Entry(self.now, SYSTEM, "vehicle.state_changed", "vehicle", vehicle.vehicle_id, details=states)
            )
        vehicle.current_state = state
        vehicle.updated_at = self.now
        event = {"vehicle": self.fleet.vehicle_view(vehicle).model_dump(mode="json")}
        self._add(OutboxKind.VEHICLE_UPDATED, event)

    async def write(self, session: AsyncSession) -> None:
        """Add the rows to the transaction; the relay is woken when it commits."""
        await flush_evenly(session)
        if self._actions:
            await session.execute(insert(_ACTIONS), self._actions)
            self._actions.clear()
        if self._rows:
            await session.execute(insert(_OUTBOX), self._rows)
            await session.execute(select(func.pg_notify(WRITTEN_CHANNEL, "")))
            self._rows.clear()
        await record_all(session, audited(self._entries))
        self._entries.clear()

    def _add(
        self,
        kind: OutboxKind,
        event: Mapping[str, object],
        topic: str | None = None,
        key: str | None = None,
        payload: Mapping[str, object] | None = None,
    ) -> None:
        row: dict[str, object] = {
            "kind": kind,
            "event": event,
            "topic": topic,
            "key": key,
            "payload": payload,
            "created_at": self.now,
        }
        self._rows.append(row)


def audited(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of one transaction: what a person did stands for the change that it made to the alert.

    Whatever else changed with it is that person's doing too.
    """
    deeds = [entry for entry in entries if entry.who != SYSTEM]
    acted_on = {entry.subject_id for entry in deeds}
    kept = [entry for entry in entries if not (entry.what == _CHANGED and entry.subject_id in acted_on)]
    doers = {entry.who for entry in deeds}
    who = doers.pop() if len(doers) == 1 else SYSTEM
    return [replace(entry, who=who) if entry.who == SYSTEM else entry for entry in kept]


def facts_of(alert: Alert) -> Facts:
    """What a silence looks at in `alert`."""
    return Facts(alert.vehicle_id, alert.scene_id, alert.anomaly_type, alert.triggered_rule, alert.severity)


def _as_it_stands(alert: Alert) -> dict[str, JsonValue]:
    return {
        "vehicle_id": alert.vehicle_id,
        "anomaly_type": alert.anomaly_type,
        "alert_status": alert.alert_status,
        "severity": alert.severity,
        "occurrences": alert.occurrences,
        "condition_active": alert.condition_active,
        "silence_id": str(alert.silence_id) if alert.silence_id else None,
        "resolved_by": alert.resolved_by,
        "resolved_action_type": alert.resolved_action_type,
    }


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """One event for the consoles; `event` is its body without `seq` and `type`."""

    seq: int
    kind: OutboxKind
    event: JsonObject


async def last_seq(session: AsyncSession) -> int:
    """The highest `seq` given out; 0 before the first. Read it in the snapshot's own transaction."""
    return await session.scalar(select(OutboxCounter.last_seq)) or 0


async def events_after(session: AsyncSession, seq: int, limit: int) -> list[OutboxEvent]:
    """The events above `seq` in order, at most `limit`."""
    rows = await session.execute(
        select(OutboxRow.seq, OutboxRow.kind, OutboxRow.event)
        .where(OutboxRow.seq > seq)
        .order_by(OutboxRow.seq)
        .limit(limit)
    )
    return [OutboxEvent(row.seq, row.kind, row.event) for row in rows]


async def events_reach(session: AsyncSession, seq: int) -> bool:
    """Whether every event above `seq` is still there, so that a client may go on from it."""
    last = await last_seq(session)
    if seq >= last:
        return seq == last
    return await session.scalar(select(OutboxRow.seq).where(OutboxRow.seq == seq + 1)) is not None
