"""How the console is opened: the login secret stays between the person and the server."""

from __future__ import annotations

import io
import stat
import webbrowser
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.console import Console

from fleetops.embedded import browser, demo
from fleetops.embedded.screen import Lines
from fleetops.embedded.stop import StopRequest
from fleetops.settings import Settings


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was started with; none really is."""
    addresses: list[str] = []

    def start(address: str) -> bool:
        addresses.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", start)
    monkeypatch.setenv("DISPLAY", ":0")
    return addresses


def test_the_secret_is_in_a_private_page_and_not_in_the_address(tmp_path: Path, opened: list[str]) -> None:
    """Any user can read a browser's command line; the page that it leads to is ours alone, and goes in the end."""
    browser.open_privately("http://[::1]:8003/auth/link?token=fll_x&y", tmp_path)
    page = tmp_path / browser.PAGE
    assert opened == [page.as_uri()]
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert 'content="0; url=http://[::1]:8003/auth/link?token=fll_x&amp;y"' in page.read_text()
    browser.forget(tmp_path)
    browser.forget(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_person_gets_a_link_of_their_own(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `ready:` line carries a link that no browser has spent, also where one seems to have opened."""
    links = iter(["http://127.0.0.1:1/auth/link?token=first", "http://127.0.0.1:1/auth/link?token=second"])
    monkeypatch.setattr(demo, "make_login_link", lambda _: next(links))
    said = io.StringIO()
    settings = Settings(data_dir=tmp_path, service_token=SecretStr("x" * 40))
    options = demo.DemoOptions(session_id="session_1", scenes=1, open_browser=True, exit_when_done=True)
    running = demo.Demo(settings, options, StopRequest(), Lines(Console(file=said, width=200)))
    running._open_console()
    assert "token=first" in (tmp_path / browser.PAGE).read_text()
    assert said.getvalue() == "ready: http://127.0.0.1:1/auth/link?token=second\n"
    running.close()
    assert not (tmp_path / browser.PAGE).exists()
    assert len(opened) == 1
