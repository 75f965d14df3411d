"""Children under supervision: real processes, really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fleetops.embedded.process import Child, ChildSpec
from fleetops.errors import ServerStartError

PATIENCE_S = 10.0


def _eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _python(code: str, directory: Path, name: str = "child") -> ChildSpec:
    return ChildSpec(
        name=name,
        command=[sys.executable, "-c", textwrap.dedent(code)],
        environment={"PATH": os.environ["PATH"]},
        directory=directory,
    )


STAYS = """
    import time
    print("up", flush=True)
    time.sleep(600)
"""
DEAF = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up", flush=True)
    time.sleep(600)
"""

FAMILY = """
    import os, sys, time
    from pathlib import Path
    from fleetops.embedded.process import Child, ChildSpec

    depth, way, here = int(sys.argv[1]), sys.argv[2], Path.cwd()
    if depth:
        command = [sys.executable, __file__, str(depth - 1), way]
        spec = ChildSpec(f"depth-{depth - 1}", command, dict(os.environ), here)
        child = Child(spec, here, watchdog=way == "watchdog")
        child.start()
    print("up", flush=True)
    time.sleep(600)
"""


def _started(spec: ChildSpec, log_dir: Path, *, watchdog: bool) -> Child:
    child = Child(spec, log_dir, watchdog=watchdog)
    child.start()
    assert _eventually(lambda: "up" in child.log_path.read_text()), child.obituary()
    return child


@pytest.fixture(params=[False, True], ids=["kernel", "watchdog"])
def watchdog(request: pytest.FixtureRequest) -> bool:
    """Both ways of dying with the parent: what Linux promises, and the pipe of the other systems."""
    return bool(request.param)


def test_a_stop_is_polite_and_prompt(tmp_path: Path, watchdog: bool) -> None:
    """SIGTERM ends an ordinary child at once, and its whole group is gone."""
    child = _started(_python(STAYS, tmp_path), tmp_path, watchdog=watchdog)
    pid = child.pid
    assert pid is not None
    began_s = time.monotonic()
    child.stop(grace_s=60.0)
    assert time.monotonic() - began_s < 30.0  # not by the SIGKILL after the grace
    assert not child.running()
    assert not _group(pid)


def test_a_deaf_child_is_killed_after_the_grace(tmp_path: Path, watchdog: bool) -> None:
    """Ignoring SIGTERM buys the grace period and no more."""
    child = _started(_python(DEAF, tmp_path), tmp_path, watchdog=watchdog)
    pid = child.pid
    assert pid is not None
    child.stop(grace_s=0.3)
    assert child.exit_code() == -signal.SIGKILL
    assert _eventually(lambda: not _group(pid))


def test_a_death_is_told_with_the_end_of_the_log(tmp_path: Path) -> None:
    """The message has the exit code, the last words, and where the rest is."""
    child = Child(_python("print('the disk is full'); raise SystemExit(7)", tmp_path, "broker"), tmp_path)
    child.start()
    assert _eventually(lambda: not child.running())
    told = child.obituary()
    assert "broker exited with code 7" in told
    assert "the disk is full" in told
    assert str(tmp_path / "broker.log") in told


def test_a_program_that_is_not_there_is_told(tmp_path: Path, watchdog: bool) -> None:
    """The log says which program could not be run."""
    spec = ChildSpec("ghost", ["/nowhere/ghost"], {"PATH": ""}, tmp_path)
    child = Child(spec, tmp_path, watchdog=watchdog)
    child.start()
    assert _eventually(lambda: not child.running())
    assert "cannot run /nowhere/ghost" in child.obituary()


def test_ctrl_c_in_the_terminal_does_not_reach_the_child(tmp_path: Path) -> None:
    """A child has a session of its own: the supervisor decides in which order things end."""
    child = _started(_python(STAYS, tmp_path), tmp_path, watchdog=False)
    assert child.pid is not None
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    child.kill()


def test_only_the_main_thread_may_start_a_child(tmp_path: Path) -> None:
    """From another thread the kernel's promise would break when that thread ends, so it is refused."""
    refusals: list[ServerStartError] = []

    def start() -> None:
        try:
            Child(_python(STAYS, tmp_path), tmp_path).start()
        except ServerStartError as error:
            refusals.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(refusals) == 1


def test_nothing_outlives_a_parent_that_was_killed(tmp_path: Path, watchdog: bool) -> None:
    """After kill -9 of the parent, child and grandchild are gone without anyone's help."""
    script = tmp_path / "family.py"
    script.write_text(textwrap.dedent(FAMILY))
    process = subprocess.Popen([sys.executable, script, "2", "watchdog" if watchdog else "kernel"], cwd=tmp_path)
    try:
        youngest = tmp_path / "depth-0.log"
        assert _eventually(lambda: youngest.exists() and "up" in youngest.read_text())
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 2
    finally:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert alive == []


def _group(leader: int) -> list[int]:
    """Living processes of the session that `leader` began."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return members
