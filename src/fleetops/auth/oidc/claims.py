"""What an OpenID provider says in its tokens, and whether it says it to us, now, about this login. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from fleetops.auth.roles import Role
from fleetops.errors import AuthenticationError, PermissionDeniedError

Claims = Mapping[str, JsonValue]

LEEWAY_S: Final = 30.0
"""How far the provider's clock and ours may be apart."""

_LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_LONGEST: Final = 255  # what the database's columns hold


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is to a provider. `issuer` and `subject` never change; all else may."""

    issuer: str
    subject: str
    username: str
    display_name: str
    role: Role
    session: str | None
    """The provider's name for its own session, to be told of its end."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a provider says has ended: one of its sessions, or all of a person."""

    issuer: str
    subject: str | None
    session: str | None


def check_id_token(
    claims: Claims, *, issuer: str, client_id: str, nonce: str, access_token: str, algorithm: str, now_s: float
) -> None:
    """Check an ID token whose signature is good already, as OpenID Connect Core 3.1.3.7 says.

    Raises:
        AuthenticationError: it was issued by or for somebody else, for another login, or not for now.
    """
    _check_parties(claims, issuer, client_id)
    _check_times(claims, now_s)
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise AuthenticationError("the ID token names nobody")
    stated = claims.get("nonce")
    if not isinstance(stated, str) or not hmac.compare_digest(stated.encode(), nonce.encode()):
        raise AuthenticationError("the ID token belongs to another login; begin again")
    at_hash = claims.get("at_hash")
    if at_hash is not None and at_hash != _half_hash(access_token, algorithm):
        raise AuthenticationError("the ID token and the access token were not issued together")


def ended_by(claims: Claims, *, issuer: str, client_id: str, now_s: float) -> Ended:
    """What a logout token ends, as OpenID Connect Back-Channel Logout 2.6 says. Its signature is good already.

    Raises:
        AuthenticationError: it is no logout token, not for us, or not for now.
    """
    _check_parties(claims, issuer, client_id)
    _check_times(claims, now_s)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict) or "nonce" in claims:
        raise AuthenticationError("this is no logout token")
    subject, session = _text(claims.get("sub")), _text(claims.get("sid"))
    if subject is None and session is None:
        raise AuthenticationError("the logout token says neither whose session ends nor which")
    return Ended(issuer, subject, session)


def identity_of(claims: Claims, *, issuer: str, role_claim: str, roles: Mapping[str, Role]) -> Identity:
    """Who `claims`, checked already, are about, and what their company lets them do here.

    Raises:
        AuthenticationError: a name is longer than can be kept.
        PermissionDeniedError: none of what the role claim holds stands for a role here.
    """
    subject = _text(claims.get("sub"))
    if subject is None:
        raise AuthenticationError(f"the provider calls this account by no name of 1 to {_LONGEST} characters")
    told = _words(claims.get(role_claim))
    granted = [role for role in Role if any(roles.get(word) is role for word in told)]
    if not granted:
        held = ", ".join(sorted(told)) or "nothing"
        raise PermissionDeniedError(f"this account has no role in FleetOps: its claim {role_claim!r} holds {held}")
    username = _text(claims.get("preferred_username")) or _text(claims.get("email")) or subject
    return Identity(
        issuer=issuer,
        subject=subject,
        username=username,
        display_name=_text(claims.get("name")) or username,
        role=granted[-1],
        session=_text(claims.get("sid")),
    )


def _check_parties(claims: Claims, issuer: str, client_id: str) -> None:
    if claims.get("iss") != issuer:
        raise AuthenticationError("the token was issued by somebody else")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences:
        raise AuthenticationError("the token was issued for another application")
    authorized = claims.get("azp")
    if (authorized is not None or len(audiences) > 1) and authorized != client_id:
        raise AuthenticationError("the token was handed out to another application")


def _check_times(claims: Claims, now_s: float) -> None:
    expires, issued, begins = (_seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None:
        raise AuthenticationError("the token does not say from when until when it holds")
    if expires <= now_s - LEEWAY_S:
        raise AuthenticationError("the token has expired; begin again")
    if max(issued, begins or issued) > now_s + LEEWAY_S:
        raise AuthenticationError("the token is from the future; compare this machine's clock with the provider's")


def _seconds(value: JsonValue | None) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: JsonValue | None) -> str | None:
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST and "\0" not in value
    return str(value) if fits else None


def _words(value: JsonValue | None) -> set[str]:
    """A claim that is one word, words with spaces between, or a list of words: providers do all three."""
    if isinstance(value, list):
        return {word for word in value if isinstance(word, str)}
    return {value, *value.split()} if isinstance(value, str) else set()


def _half_hash(token: str, algorithm: str) -> str:
    # Core 3.1.3.6: the hash is that of the signature; EdDSA with Ed25519 uses SHA-512.
    size = {"256": "sha256", "384": "sha384"}.get(algorithm[-3:], "sha512")
    digest = hashlib.new(size, token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
