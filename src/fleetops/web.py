"""What the three services' HTTP edges share: problem documents, probes, one way to listen.

Errors are RFC 9457 problem documents. `type` is stable and made from the error's class:
`urn:fleetops:error:unknown-scene`.
"""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus

import structlog
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, JsonValue
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from .errors import ConfigurationError, FleetOpsError

log = structlog.stdlib.get_logger()

PROBLEM_JSON = "application/problem+json"
MAX_BODY_BYTES = 1 << 20
"""Largest request body taken. A start request naming all 16,000 scenes of L5Kit's training set has 0.3 MB."""

MAX_SOCKET_MESSAGE_BYTES = 1 << 16
"""Largest message taken from a WebSocket's client. None of ours has anything to say."""

_SHUTDOWN_S = 1


class InvalidField(BaseModel):
    """One thing that is wrong with a request."""

    location: list[str | int]
    message: str
    kind: str


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    type: str = Field(description="stable: `urn:fleetops:error:<name>`", examples=["urn:fleetops:error:not-found"])
    title: str
    status: int
    detail: str
    errors: list[InvalidField] | None = Field(default=None, description="of a 422: what is wrong, field by field")


class Probe(BaseModel):
    """What the open probes say, and no more."""

    status: str


def error_type(error: type[FleetOpsError]) -> str:
    """The stable `type` of an error class: `NotFoundError` is `urn:fleetops:error:not-found`."""
    return f"urn:fleetops:error:{_kebab(error.__name__.removesuffix('Error'))}"


def problems(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The `responses=` of a route that can answer with problem documents of these statuses."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


def create_app(title: str, version: str, *, lifespan: Lifespan[FastAPI] | None, ready: Callable[[], bool]) -> FastAPI:
    """An application with problem handlers, a bound on bodies and the open probes `/livez` and `/readyz`.

    The OpenAPI document is not served by itself, since nothing but the probes is open:
    a service adds a route for `app.openapi()` behind its own check.
    """
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        openapi_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.openapi = partial(_describe, app)  # type: ignore[method-assign]  # the way FastAPI's documentation gives
    app.add_middleware(_BodyLimit)
    app.add_exception_handler(FleetOpsError, _on_fleetops_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(AnyHTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unexpected_error)

    @app.get("/livez", tags=["probes"])
    async def livez() -> Probe:
        """The process runs."""
        return Probe(status="ok")

    @app.get("/readyz", tags=["probes"], responses={503: {"model": Probe, "description": "not ready yet"}})
    async def readyz(response: Response) -> Probe:
        """The service can do its work."""
        if ready():
            return Probe(status="ok")
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return Probe(status="not ready")

    return app


def serve(app: FastAPI, *, host: str, port: int, port_setting: str, trusted_proxies: Sequence[str] = ()) -> None:
    """Answer requests on `host:port` until SIGTERM or SIGINT, then return.

    `port` 0 takes a free one; the event `listening` says which. Who a request comes from is
    the peer's address, or what `X-Forwarded-For` says if the peer is one of `trusted_proxies`.

    Raises:
        ConfigurationError: the address cannot be listened on; names `port_setting`, the variable to change.
    """
    listener = _listen(host, port, port_setting)
    bound_port = listener.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            # uvicorn believes whoever sits on this machine, unless told otherwise.
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_graceful_shutdown=_SHUTDOWN_S,
            ws_per_message_deflate=False,  # 90 times the CPU on position frames, measured
            ws_max_size=MAX_SOCKET_MESSAGE_BYTES,
        )
    )

    def obey(*_: object) -> None:
        # Before uvicorn listens for signals itself; and when it has stopped, it raises them once more.
        server.should_exit = True

    before = {number: signal.signal(number, obey) for number in (signal.SIGTERM, signal.SIGINT)}
    log.info("listening", host=host, port=bound_port)
    try:
        server.run(sockets=[listener])
    finally:
        listener.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(host: str, port: int, port_setting: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); "
            f"stop what listens there, or set {port_setting}"
        ) from error
    return listener


def _describe(app: FastAPI) -> dict[str, JsonValue]:
    """The OpenAPI document, every error in it a problem document: FastAPI knows one media type per route."""
    document = FastAPI.openapi(app)
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                schema = response.get("content", {}).get("application/json", {}).get("schema", {})
                if schema.get("$ref", "").endswith("Problem"):
                    response["content"] = {PROBLEM_JSON: {"schema": schema}}
    return document


async def _on_fleetops_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, FleetOpsError)  # noqa: S101  # starlette types every handler as taking Exception
    return _answer(
        Problem(type=error_type(type(error)), title=_title(type(error)), status=error.status, detail=str(error))
    )


async def _on_invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    # The value that was sent is left out: it may be a secret.
    wrong = [
        InvalidField(location=list(each["loc"]), message=each["msg"], kind=each["type"]) for each in error.errors()
    ]
    detail = "; ".join(f"{'.'.join(map(str, each.location))}: {each.message}" for each in wrong)
    return _answer(
        Problem(
            type="urn:fleetops:error:invalid-request", title="Invalid request", status=422, detail=detail, errors=wrong
        )
    )


async def _on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, AnyHTTPException)  # noqa: S101  # as above
    return _answer(_http_problem(error), dict(error.headers or {}))


async def _on_unexpected_error(request: Request, error: Exception) -> Response:
    log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    return _answer(
        Problem(
            type="urn:fleetops:error:internal",
            title="Internal error",
            status=500,
            detail="an unexpected error, written to the log",
        )
    )


def _answer(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    headers = headers or {}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return Response(
        problem.model_dump_json(exclude_none=True), problem.status, headers=headers, media_type=PROBLEM_JSON
    )


def _title(error: type[FleetOpsError]) -> str:
    return _kebab(error.__name__.removesuffix("Error")).replace("-", " ").capitalize()


def _kebab(camel: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", camel).lower()


class _BodyLimit:
    """Refuses a body beyond the bound: before it is read where its length is declared.

    FastAPI's own `max_body_size` answers in plain text, which no client of problem documents expects.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
            await _answer(_http_problem(_too_large()))(scope, receive, send)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                raise _too_large()
            return message

        await self._app(scope, bounded, send)


def _too_large() -> HTTPException:
    return HTTPException(413, f"the body is larger than {MAX_BODY_BYTES} bytes")


def _http_problem(error: AnyHTTPException) -> Problem:
    # Made of the number: phrases differ between versions of Python, and `type` must not.
    return Problem(
        type=f"urn:fleetops:error:http-{error.status_code}",
        title=HTTPStatus(error.status_code).phrase,
        status=error.status_code,
        detail=str(error.detail),
    )
