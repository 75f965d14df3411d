"""What ties a login at the provider to the browser that began it. Pure.

The browser keeps one secret in a cookie; state, nonce and PKCE's verifier are derived from it.
So nothing of a login under way is stored here, and it may end on another replica.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlencode

from fleetops.errors import AuthenticationError


@dataclass(frozen=True, slots=True)
class Handshake:
    """A login under way, known by the browser's `secret`."""

    secret: str

    @property
    def state(self) -> str:
        """Comes back with the code: whose login it is."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """Comes back inside the ID token: it was issued for this login."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Proves to the provider that whoever redeems the code also began the login (RFC 7636)."""
        return self._derived("verifier")

    def authorization_url(self, endpoint: str, client_id: str, redirect_uri: str, scopes: str) -> str:
        """Where the browser goes to sign in."""
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": scopes,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": _base64url(hashlib.sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def check_state(self, state: str) -> None:
        """Refuse an answer to a login that another browser began.

        Raises:
            AuthenticationError: it is not ours.
        """
        if not hmac.compare_digest(state.encode(), self.state.encode()):
            raise AuthenticationError("this answer belongs to another login; begin again")

    def _derived(self, purpose: str) -> str:
        return _base64url(hmac.digest(self.secret.encode(), purpose.encode(), "sha256"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
