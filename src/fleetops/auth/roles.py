"""Who may do what: three roles, each of which may do all that the one before it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fleetops.errors import PermissionDeniedError


class Role(StrEnum):
    """What a person or a program is trusted with. The order is ascending."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"

    def covers(self, required: Role) -> bool:
        """Whether this role may do what `required` may."""
        ranks = tuple(Role)
        return ranks.index(self) >= ranks.index(required)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever a request comes from, as the credential says; never as the body says."""

    operator_id: str
    display_name: str
    role: Role

    def require(self, role: Role) -> None:
        """Raise PermissionDeniedError unless this principal's role covers `role`."""
        if not self.role.covers(role):
            raise PermissionDeniedError(f"this needs the role {role}; {self.operator_id} is {self.role}")

    def require_self(self, operator_id: str | None) -> None:
        """Raise PermissionDeniedError where a body names another operator than the caller."""
        if operator_id is not None and operator_id != self.operator_id:
            raise PermissionDeniedError(
                f"operator_id is {operator_id!r}, but the credential is {self.operator_id!r}; send your own or none"
            )
