"""Who a token is from, for, about and when: each of these wrong alone is enough to refuse it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from fleetops.auth.oidc.claims import check_id_token, ended_by, identity_of
from fleetops.auth.roles import Role
from fleetops.errors import AuthenticationError, FleetOpsError, PermissionDeniedError

NOW_S = 1_800_000_000.0
GOOD: dict[str, JsonValue] = {
    "iss": "https://p", "aud": "us", "sub": "7", "nonce": "n", "iat": NOW_S - 5, "exp": NOW_S + 60
}  # fmt: skip
LOGOUT: dict[str, JsonValue] = {
    "iss": "https://p", "aud": ["us"], "sub": "7", "iat": NOW_S, "exp": NOW_S + 60,
    "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
}  # fmt: skip
ROLES = {"fleet": Role.OPERATOR, "lead": Role.SUPERVISOR, "guest": Role.VIEWER}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def check(**changed: JsonValue) -> None:
    """Check the good token with some claims changed."""
    check_id_token(
        GOOD | changed,
        issuer="https://p",
        client_id="us",
        nonce="n",
        access_token="jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
        algorithm="RS256",
        now_s=NOW_S,
    )


def test_a_good_token_is_good() -> None:
    """Also with the at_hash of OpenID Connect Core's example, and for several audiences when it says who we are."""
    check()
    check(at_hash="77QmUPtjPfzWtF2AnpK9RQ")
    check(aud=["us", "them"], azp="us")
    check(exp=NOW_S - 29, iat=NOW_S + 29)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil"}, {"iss": None}, {"iss": "https://p/"}, {"aud": "them"}, {"aud": []}, {"aud": None},
        {"aud": ["us", "them"]}, {"azp": "them"}, {"sub": ""}, {"sub": None}, {"sub": 7}, {"nonce": "m"},
        {"nonce": None}, {"exp": NOW_S - 31}, {"exp": None}, {"exp": "soon"}, {"exp": True}, {"iat": NOW_S + 31},
        {"iat": None}, {"nbf": NOW_S + 31}, {"at_hash": "77QmUPtjPfzWtF2AnpK9RR"}, {"at_hash": 1},
    ],
    ids=str,
)  # fmt: skip
def test_one_wrong_claim_is_enough(changed: dict[str, JsonValue]) -> None:
    """Everything else of it being right."""
    with pytest.raises(AuthenticationError):
        check(**changed)


@given(claim=st.sampled_from(sorted(GOOD)), value=anything)
def test_whatever_a_claim_holds_it_is_refused_in_words(claim: str, value: JsonValue) -> None:
    """A provider's nonsense is no crash of ours."""
    try:
        check(**{claim: value})
    except AuthenticationError:
        return
    assert claim in {"iat", "exp"} or value == GOOD[claim] or (claim == "sub" and isinstance(value, str))


def test_the_highest_role_of_all_groups_counts() -> None:
    """Whether the claim is a list, one word, or words with spaces; unknown groups count for nothing."""
    told: list[tuple[JsonValue, Role]] = [
        (["guest", "lead", "x"], Role.SUPERVISOR),
        ("fleet", Role.OPERATOR),
        ("guest fleet", Role.OPERATOR),
        (["guest", 7, None], Role.VIEWER),
    ]
    for groups, role in told:
        who = identity_of(GOOD | {"groups": groups}, issuer="https://p", role_claim="groups", roles=ROLES)
        assert who.role is role


@given(anything)
def test_without_a_group_that_counts_nobody_comes_in(groups: JsonValue) -> None:
    """Whatever the claim holds."""
    with pytest.raises(PermissionDeniedError):
        identity_of(GOOD | {"groups": groups}, issuer="https://p", role_claim="groups", roles=ROLES)


@given(st.dictionaries(st.sampled_from(["sub", "sid", "name", "preferred_username", "email", "groups"]), anything))
def test_names_of_any_kind_are_used_or_refused(claims: dict[str, JsonValue]) -> None:
    """What cannot be kept as text is passed over; without a subject nobody is anybody."""
    try:
        who = identity_of({"groups": "fleet"} | claims, issuer="https://p", role_claim="groups", roles=ROLES)
    except FleetOpsError:
        return
    for text in (who.subject, who.username, who.display_name):
        assert 0 < len(text) <= 255
        assert "\0" not in text


def test_a_logout_token_says_what_ended() -> None:
    """A person, a session, or both."""
    ended = ended_by(LOGOUT | {"sid": "s"}, issuer="https://p", client_id="us", now_s=NOW_S)
    assert (ended.subject, ended.session) == ("7", "s")


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "n"}, {"events": {}}, {"events": None}, {"events": {"other": {}}}, {"aud": "them"},
        {"iss": "https://evil"}, {"exp": NOW_S - 60}, {"sub": None},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_no_other_token_ends_a_session(changed: dict[str, JsonValue]) -> None:
    """An ID token, with its nonce, least of all."""
    with pytest.raises(AuthenticationError):
        ended_by(LOGOUT | changed, issuer="https://p", client_id="us", now_s=NOW_S)
