"""Says whether a webhook request comes from FleetOps. Needs nothing but Python.

    python verify_webhook.py SECRET ID TIMESTAMP SIGNATURE < BODY

SECRET is what creating the webhook answered (`whsec_…`); the next three are the request's headers
`webhook-id`, `webhook-timestamp` and `webhook-signature`; BODY is its body, byte for byte.
Ends with 0 when the request is genuine and not older than five minutes, else with 1.
"""

import base64
import hashlib
import hmac
import sys
import time

TOLERANCE_S = 300


def is_genuine(secret: str, message_id: str, timestamp: str, signatures: str, body: bytes, now_s: float) -> bool:
    """Whether one of the signatures is that of this id, time and body, and the time is about now."""
    if not timestamp.isdigit() or abs(now_s - int(timestamp)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, signature) for signature in signatures.split())


if __name__ == "__main__":
    genuine = is_genuine(*sys.argv[1:5], body=sys.stdin.buffer.read(), now_s=time.time())
    sys.exit(0 if genuine else "this request is not genuine")
