"""Roles: who covers whom, and that a body cannot lend another's name."""

from __future__ import annotations

import itertools

import pytest

from fleetops.auth.roles import Principal, Role
from fleetops.errors import PermissionDeniedError


@pytest.mark.parametrize(("held", "needed"), list(itertools.product(Role, Role)))
def test_a_role_covers_itself_and_those_before_it(held: Role, needed: Role) -> None:
    """Viewer < operator < supervisor."""
    order = ["viewer", "operator", "supervisor"]
    assert held.covers(needed) == (order.index(held) >= order.index(needed))


def test_a_role_too_low_is_denied_and_told_which_is_needed() -> None:
    """A viewer who acts learns what it would take."""
    viewer = Principal("jo", "Jo", Role.VIEWER)
    with pytest.raises(PermissionDeniedError, match="operator"):
        viewer.require(Role.OPERATOR)


@pytest.mark.parametrize("claimed", ["operator_002", "", "JO"])
def test_a_body_that_names_another_operator_is_denied(claimed: str) -> None:
    """Identity comes from the credential; a body may repeat it, not change it."""
    jo = Principal("jo", "Jo", Role.SUPERVISOR)
    jo.require_self(None)
    jo.require_self("jo")
    with pytest.raises(PermissionDeniedError):
        jo.require_self(claimed)
