"""A program that webhooks tell: it takes requests, fails, hangs, breaks off, and remembers."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, cast

Behaviour = Literal["take", "fail", "hang", "break", "redirect", "misdirect", "late"]


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    taken: bool
    line: int = 0
    """The port that it came from: requests of one connection share it."""

    @property
    def event(self) -> dict[str, object]:
        """What it says."""
        return cast("dict[str, object]", json.loads(self.body))

    @property
    def seq(self) -> int:
        """Its place in the outbox."""
        return cast("int", self.event["seq"])


@dataclass
class Receiver:
    """Behaves as it is told, request by request, and takes everything after that."""

    url: str = ""
    plan: list[Behaviour] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    """Lets those go that hang."""

    @property
    def taken(self) -> list[Request]:
        """The requests that it answered with 204, in the order it did."""
        return [request for request in self.requests if request.taken]

    def wait_for(self, count: int, within_s: float = 60) -> list[Request]:
        """The requests taken, once there are so many."""
        deadline = time.monotonic() + within_s
        while len(self.taken) < count:
            assert time.monotonic() < deadline, f"took {len(self.taken)} of {count}"
            time.sleep(0.05)
        return self.taken


@contextmanager
def receiving(plan: list[Behaviour] | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a free port of 127.0.0.1, stopped in the end."""
    receiver = Receiver(plan=plan or [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            behaviour = receiver.plan.pop(0) if receiver.plan else "take"
            headers = {name.lower(): value for name, value in self.headers.items()}
            line = self.client_address[1]
            receiver.requests.append(Request(self.path, headers, body, behaviour in {"take", "late"}, line))
            if behaviour in {"hang", "late"}:
                receiver.released.wait(60)
            if behaviour in {"hang", "break"}:
                self.close_connection = True
                return
            self.send_response({"take": 204, "late": 204, "fail": 500, "redirect": 307, "misdirect": 307}[behaviour])
            if behaviour in {"redirect", "misdirect"}:
                self.send_header("location", f"{receiver.url}/elsewhere" if behaviour == "redirect" else "mailto:x")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
