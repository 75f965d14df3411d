"""Headers that keep a browser from doing what our pages never need."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HTTPS_ONLY_S: Final = 180 * 24 * 3600
"""For this host alone: what its subdomains do is not ours to say."""

_MAPBOX: Final = "https://api.mapbox.com https://*.tiles.mapbox.com https://events.mapbox.com"


def content_security_policy(mapbox: bool) -> str:
    """What the console may load: itself, and Mapbox where it has a token.

    Map libraries make their workers from blobs and their images from data; Mantine and the
    maps set styles in the page, which needs 'unsafe-inline' for styles, never for scripts.
    """
    third = f" {_MAPBOX}" if mapbox else ""
    rules = {
        "default-src": "'self'",
        "script-src": "'self'",
        "worker-src": "'self' blob:",
        "child-src": "'self' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": f"'self' data: blob:{third}",
        "font-src": "'self' data:",
        "connect-src": f"'self'{third}",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


class SecurityHeaders:
    """Adds the headers to every answer, errors included. Cross-origin requests get no leave: CORS stays closed."""

    def __init__(self, app: ASGIApp, *, mapbox: bool, https: bool = False) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": content_security_policy(mapbox),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        }
        if https:
            self._headers["Strict-Transport-Security"] = f"max-age={_HTTPS_ONLY_S}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the headers that it did not set itself."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")  # answers are about now, and not for everyone
            await send(message)

        await self._app(scope, receive, sending)
