"""Opens the console in a browser without showing the login secret to every user of the machine.

What a browser is started with, anyone can read in the list of processes. So it gets the path
of a private page, and the page leads on to the link (as Jupyter does).
"""

from __future__ import annotations

import html
import os
import sys
import webbrowser
from pathlib import Path

from .private_file import write_private

PAGE = "open_console.html"


def open_privately(link: str, data_dir: Path) -> None:
    """Open a browser on `link`. Whether a window really opened cannot be known: a launcher may do nothing."""
    page = (data_dir / PAGE).absolute()
    target = html.escape(link)
    write_private(
        page,
        f'<!DOCTYPE html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>FleetOps</title>'
        f'<meta http-equiv="refresh" content="0; url={target}"><a href="{target}">Open the FleetOps console</a>',
    )
    webbrowser.open(page.as_uri())


def forget(data_dir: Path) -> None:
    """Remove the page, if there is one."""
    (data_dir / PAGE).unlink(missing_ok=True)


def has_display() -> bool:
    """Whether a browser would open as a window, and not as text in our terminal."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
