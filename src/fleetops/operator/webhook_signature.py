"""How an event to a webhook is signed: as Standard Webhooks has it, so that any of its libraries checks it.

The signature is an HMAC-SHA256 over id, time and body, joined by points. The time is in it so
that a recorded request cannot be played back later. Source: https://www.standardwebhooks.com.
Pure: the time comes in as a value.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = 32


def new_webhook_secret() -> str:
    """A secret that receiver and sender share: `whsec_` and 32 random bytes as base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def signed_headers(secret: str, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers that let a receiver check where `body` comes from, when it was sent, and that it is whole."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = f"{message_id}.{timestamp_s}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{signature}",
    }
