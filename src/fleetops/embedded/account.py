"""Which unprivileged user a server runs as when we are root, and where its files can lie.

PostgreSQL refuses to run as root. No user is created for it: the first that exists of
`ACCOUNTS` is taken. That user must reach both its programs and its data, and a data
directory or an installation under root's home (mode 0700) it cannot; what it cannot reach
goes below `STATE_DIR` instead.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path

from ..errors import ServerStartError
from .process import Account

ACCOUNTS = ("fleetops", "postgres", "nobody")
STATE_DIR = Path("/var/lib/fleetops")


def unprivileged() -> Account | None:
    """The user to become, or None when this process is not root and stays who it is.

    Raises:
        ServerStartError: root, and none of `ACCOUNTS` exists.
    """
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServerStartError(
        f"PostgreSQL does not run as root, and none of the users {', '.join(ACCOUNTS)} exists. Create one "
        "(useradd --system fleetops), run as another user, or use a server of your own: FLEETOPS_DATABASE_URL=URL"
    )


def reachable(path: Path, account: Account) -> bool:
    """Whether `account` may pass through every directory from the root to `path`, itself included.

    Looks at the mode bits alone; a path that does not exist yet is judged by what does.
    """
    for directory in (path, *path.parents):
        try:
            status = directory.stat()
        except FileNotFoundError:
            continue
        if status.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif status.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not status.st_mode & needed:
            return False
    return True


def home_for(data_dir: Path, name: str, account: Account | None) -> Path:
    """A private directory for the files of server `name`, owned by `account` (else by us), made when missing.

    It is `data_dir/name`; where `account` cannot get there, that becomes a link to a directory
    below `STATE_DIR` named after `data_dir`.
    """
    wanted = data_dir.resolve() / name
    if account is None:
        wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
        return wanted
    home = wanted
    if wanted.is_symlink() or not reachable(wanted.parent, account):
        home = STATE_DIR / f"{name}-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]}"
        _make_state_dir()
        wanted.parent.mkdir(parents=True, exist_ok=True)
        if not wanted.is_symlink():
            wanted.symlink_to(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chown(home, account.uid, account.gid)
    return home


def reachable_copy(tree: Path, siblings: tuple[Path, ...], version: str, account: Account | None) -> Path:
    """`tree` itself where `account` can reach it, else a copy of it, with its `siblings`, below `STATE_DIR`."""
    if account is None or reachable(tree, account):
        return tree
    copy = STATE_DIR / f"{tree.name}-{version}"
    if not copy.exists():
        _make_state_dir()
        half = copy.with_name(f".{copy.name}.{os.getpid()}")
        for part in (tree, *siblings):
            shutil.copytree(part, half / part.name, symlinks=True)
        half.chmod(0o755)
        try:
            half.rename(copy)
        except OSError:  # another demo was faster
            shutil.rmtree(half)
    return copy / tree.name


def _make_state_dir() -> None:
    STATE_DIR.mkdir(parents=True, exist_ok=True)
    STATE_DIR.chmod(0o755)  # whatever the umask: what lies below protects itself
