"""What an operator asks for, and what makes no sense to ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from fleetops.contracts.vocabulary import ActionType
from fleetops.db.models import Disposition
from fleetops.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that an operator wants done to an alert."""

    action_type: ActionType
    alert_id: UUID
    operator_id: str
    """Who asks, as the credential says."""
    comment: str | None = None
    assignee: str | None = None
    """For ASSIGN_OPERATOR; the caller when left out."""
    disposition: Disposition | None = None
    snoozed_until: datetime | None = None
    expected_version: int | None = None
    """The version the caller saw; a newer one refuses the command."""
    own_only: bool = False
    """Leave alone what another operator has taken: the caller may not do this to others' alerts."""
    action_id: UUID = field(default_factory=uuid4)

    @property
    def wanted_operator(self) -> str:
        """Who shall have the alert after ASSIGN_OPERATOR."""
        return self.assignee or self.operator_id

    @property
    def assigned_to_another(self) -> str | None:
        """To whom else than the caller this assigns the alert; None where it does not."""
        if self.action_type is not ActionType.ASSIGN_OPERATOR or self.wanted_operator == self.operator_id:
            return None
        return self.wanted_operator

    def check(self, now: datetime) -> None:
        """Return when the command has what its action needs.

        Raises:
            InvalidRequestError: it lacks something; says what.
        """
        if self.action_type is ActionType.RESOLVE and self.disposition is None:
            raise InvalidRequestError(f"RESOLVE needs a disposition: {', '.join(Disposition)}")
        if self.action_type is ActionType.SNOOZE and (self.snoozed_until is None or self.snoozed_until <= now):
            raise InvalidRequestError("SNOOZE needs snoozed_until, a time in the future")
        if self.action_type is ActionType.COMMENT and not (self.comment or "").strip():
            raise InvalidRequestError("COMMENT needs a comment")
        if "\0" in (self.comment or ""):
            raise InvalidRequestError("a comment is text; this one holds a NUL character")
