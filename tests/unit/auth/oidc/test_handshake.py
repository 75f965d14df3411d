"""What ties a login to its browser: derived from one secret, told apart by purpose."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from fleetops.auth.oidc.handshake import Handshake
from fleetops.errors import AuthenticationError


def test_the_challenge_is_the_verifiers_hash() -> None:
    """PKCE as RFC 7636 says: the provider sees the hash first, and the verifier with the code."""
    login = Handshake("secret")
    query = parse_qs(
        urlsplit(login.authorization_url("https://p/auth?tenant=1", "c", "https://us/back", "openid")).query
    )
    hashed = base64.urlsafe_b64encode(hashlib.sha256(login.verifier.encode()).digest()).decode().rstrip("=")
    assert (query["code_challenge"], query["code_challenge_method"], query["tenant"]) == ([hashed], ["S256"], ["1"])
    assert 43 <= len(login.verifier) <= 128


def test_nothing_that_is_shown_tells_what_is_kept() -> None:
    """State and nonce travel through the address bar; secret and verifier do not, and differ from them."""
    login = Handshake("secret")
    url = login.authorization_url("https://p/auth", "c", "https://us/back", "openid")
    assert login.verifier not in url
    assert len({login.secret, login.state, login.nonce, login.verifier}) == 4


def test_another_browsers_state_is_refused() -> None:
    """And so is one that is no ASCII."""
    login = Handshake("secret")
    login.check_state(login.state)
    for other in (Handshake("other").state, "", "ä", login.nonce):
        with pytest.raises(AuthenticationError):
            login.check_state(other)
