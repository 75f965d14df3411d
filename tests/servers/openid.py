"""A certified OpenID provider that nobody here wrote (`oidc-provider`), on loopback, and people who sign in there."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx

from .processes import spawn, stop, tail_of

FOLDER = Path(__file__).parents[1] / "foreign"
SECRET = "a secret of the test's, with : and %"


@dataclass(frozen=True)
class OpenIdServer:
    """The running provider. `client` is where the application is that it knows."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @classmethod
    def start(cls, folder: Path, port: int, client: str, *kind: str) -> OpenIdServer:
        """Start it and wait until it answers. `kind`: what else its script takes."""
        if not (FOLDER / "node_modules").is_dir():
            raise RuntimeError(f"the OpenID provider is not installed; run `npm ci` in {FOLDER}, or `make test`")
        log = folder / "provider.log"
        server = cls(spawn(["node", FOLDER / "provider.mjs", str(port), client, *kind], log, cwd=FOLDER), port, log)
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{server.issuer}/.well-known/openid-configuration").raise_for_status()
            except httpx.HTTPError:
                if server.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the OpenID provider did not come up:\n{tail_of(log)}") from None
                time.sleep(0.1)
            else:
                return server

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it."""
        stop(self.process)

    def tell(self, what: str, **about: str) -> str:
        """Have it do something that no client could ask for."""
        answer = httpx.get(f"{self.issuer}/test/{what}?{urlencode(about)}")
        answer.raise_for_status()
        return answer.text


def sign_in(browser: httpx.Client, start: str, back: str, account: str, *, arrive: bool = True) -> httpx.Response:
    """Sign `account` in at the provider, from `start` on; what the application answers at `back`, not followed.

    Without `arrive` nobody goes there: what the provider answered last, which leads there.
    """
    answer = browser.get(start)
    for _ in range(20):
        if answer.is_redirect:
            there = answer.headers["location"]
            if there.startswith(back) and not arrive:
                return answer
            answer = browser.get(httpx.URL(str(answer.url)).join(there))
            if there.startswith(back):
                return answer
        else:
            answer = _fill_in(browser, answer, account)
    raise AssertionError(f"the login went nowhere: {answer.status_code} {answer.url}\n{answer.text[:2000]}")


def sign_out(browser: httpx.Client, there: str) -> httpx.Response:
    """Sign out at the provider, which asks whether one means it."""
    page = browser.get(there)
    xsrf = re.search(r'name="xsrf" value="([^"]+)"', page.text)
    action = re.search(r'action="([^"]+)"', page.text)
    assert xsrf, page.text
    assert action, page.text
    return browser.post(action[1], data={"xsrf": xsrf[1], "logout": "yes"})


def _fill_in(browser: httpx.Client, page: httpx.Response, account: str) -> httpx.Response:
    action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
    prompt = re.search(r'name="prompt" value="([^"]+)"', page.text)
    if action is None or prompt is None:
        raise AssertionError(f"expected a form: {page.status_code} {page.url}\n{page.text[:2000]}")
    fields: Mapping[str, str] = {"prompt": prompt[1]}
    if prompt[1] == "login":
        fields = {**fields, "login": account, "password": "any"}
    return browser.post(httpx.URL(str(page.url)).join(action[1]), data=dict(fields))
