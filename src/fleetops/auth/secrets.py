"""Secrets that programs and browsers show: made at random, kept only as hashes."""

from __future__ import annotations

import hashlib
import secrets

_ENTROPY_BYTES = 32  # 256 bit: a fast hash is enough, since there is nothing to guess


def new_secret(prefix: str) -> str:
    """A new secret, `prefix_…`: the prefix lets scanners and people tell what leaked."""
    return f"{prefix}_{secrets.token_urlsafe(_ENTROPY_BYTES)}"


def secret_hash(secret: str) -> str:
    """What is stored of a secret: its SHA-256, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()
