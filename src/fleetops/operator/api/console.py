"""The built console at `/`: its files, its one page for every address in it, or how to build it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC: Final = Path(__file__).parents[1] / "static"
_HASHED: Final = "assets/"  # Vite puts there what has its content's hash in its name

_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>FleetOps</title>
<body style="font: 16px/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>The console is not built</h1>
<p>operator-service runs, but this installation has no console in it. In a clone of the repository, run</p>
<pre>npm --prefix ui ci &amp;&amp; npm --prefix ui run build</pre>
<p>(<code>make demo</code> does it for you) and load this page again. The REST interface works without it.</p>
"""


class Console(StaticFiles):
    """Files of the build; any other address that a browser opens is the console's page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file at `path`, or the page that draws whatever `path` stands for."""
        try:
            answer = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or not _opens_a_page(path, scope):
                raise
            answer = await super().get_response("index.html", scope)
        hashed = path.startswith(_HASHED) and answer.status_code in {200, 304}
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return answer


def serve_console(app: FastAPI, static: Path) -> None:
    """Have `app` answer what no route of its own does with the console. Call it after all routes are there."""
    if (static / "index.html").is_file():
        app.mount("/", Console(directory=static, html=True), name="console")
        return

    @app.get("/", include_in_schema=False)
    async def not_built() -> HTMLResponse:
        """How to build the console."""
        return HTMLResponse(_NOT_BUILT, status_code=503)


def _opens_a_page(path: str, scope: Scope) -> bool:
    accepted = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
    return scope["method"] in {"GET", "HEAD"} and "text/html" in accepted and not Path(path).suffix
