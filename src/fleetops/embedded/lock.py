"""One demo per data directory: a lock that the kernel frees however its holder ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from ..errors import ConfigurationError


class DataDirLock:
    """Holds `data_dir` for this process while the `with` block runs.

    Raises:
        ConfigurationError: another demo holds it; names its process.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "demo.lock"
        self._fd: int | None = None

    def __enter__(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(fd, 32).decode(errors="replace").strip()
            os.close(fd)
            raise ConfigurationError(
                f"another `fleetops demo` (process {holder or 'unknown'}) is running on {self._path.parent}. "
                "End it first, or give this one a directory of its own: --data-dir DIR"
            ) from error
        os.ftruncate(fd, 0)
        os.write(fd, str(os.getpid()).encode())
        self._fd = fd

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
