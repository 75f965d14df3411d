"""Secrets: never the same twice, never stored as they are."""

from __future__ import annotations

from fleetops.auth.secrets import new_secret, secret_hash


def test_secrets_differ_and_say_what_they_are() -> None:
    """A thousand secrets are a thousand, each with its prefix and at least 256 bits behind it."""
    made = {new_secret("flt") for _ in range(1000)}
    assert len(made) == 1000
    assert all(secret.startswith("flt_") and len(secret) >= 4 + 43 for secret in made)


def test_the_hash_is_stable_and_does_not_contain_the_secret() -> None:
    """SHA-256 of the secret, as any other program would compute it."""
    assert secret_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
