"""`fleetops backtest` as its user runs it: here, in processes, on a Dask cluster; broken off, and gone on with."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from tests.servers.processes import spawn, stop, tail_of
from tests.unit.anomaly.backtest.traffic import eventful_dataset

from fleetops.cli import main
from fleetops.contracts.vocabulary import AnomalyStatus

SCENES = 60
Json = Mapping[str, Any]

STRICTER = """
name = "stricter"
version = 1
description = "for a test"
rearm_frames = 10
retire_frames = 20
[rules.decel_threshold_exceeded]
[rules.label_probability_dropped]
[rules.position_jumped]
position_jump_threshold_m = 3.0
[rules.yaw_jumped]
[rules.updates_missing]
dropout_frame_threshold = 6
[rules.active_agents_dropped]
"""
"""`baseline` with other thresholds: nothing new to compile."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough scenes to be broken off among them."""
    return eventful_dataset(tmp_path_factory.mktemp("recording") / "dataset.zarr", SCENES)


@pytest.fixture(scope="module")
def alone(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What one process finds: what every other way must find."""
    return run(recording, tmp_path_factory.mktemp("alone") / "found.json")


def command(recording: Path, output: Path, *options: str, rules: str = "baseline") -> list[str]:
    """The command line."""
    whole = [sys.executable, "-m", "fleetops.cli", "backtest", str(recording), "--rules", rules]
    return [*whole, "--json", str(output), *options]


def run(recording: Path, output: Path, *options: str, rules: str = "baseline") -> Json:
    """Run it to its end; the JSON that it wrote."""
    done = subprocess.run(
        command(recording, output, *options, rules=rules), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    found: Json = json.loads(output.read_text())
    assert str(found["digest"]) in done.stdout
    return found


def figures(found: Json) -> dict[str, Any]:
    """All of it but how long it took."""
    return {name: value for name, value in found.items() if name not in {"seconds", "rows_per_second"}}


def test_the_json_is_what_was_agreed(alone: Json) -> None:
    """Exactly these fields; the digests and identities say what they are of."""
    assert list(alone) == [
        "rule_set", "dataset", "scenes", "rows", "vehicle_hours", "anomalies", "rules", "load", "digest", "seconds",
        "rows_per_second",
    ]  # fmt: skip
    assert alone["rule_set"].startswith("baseline@sha256:")
    assert alone["dataset"].startswith("sha256:")
    assert alone["scenes"] == SCENES
    assert sum(alone["rules"].values()) == sum(sum(kind.values()) for kind in alone["anomalies"].values()) > 100


def test_in_two_processes(recording: Path, alone: Json, tmp_path: Path) -> None:
    """The same figures and digest; nothing stays behind."""
    assert figures(run(recording, tmp_path / "found.json", "--jobs", "2")) == figures(alone)
    assert [entry.name for entry in tmp_path.iterdir()] == ["found.json"]


def test_on_a_dask_cluster(recording: Path, alone: Json, tmp_path: Path) -> None:
    """A scheduler and two workers, each a process of its own, as on other machines; one of the two is killed."""
    output = tmp_path / "found.json"
    with dask_cluster(tmp_path, workers=2) as (address, workers):
        process = spawn(command(recording, output, "--scheduler", address), tmp_path / "log", cwd=tmp_path)
        await_parts(tmp_path / "found.json.work", process)
        workers[0].kill()
        assert process.wait(120) == 0, tail_of(tmp_path / "log")
    assert figures(json.loads(output.read_text())) == figures(alone)


def test_killed_and_run_again_it_goes_on(recording: Path, alone: Json, tmp_path: Path) -> None:
    """SIGKILL in the middle: its processes end with it, what was done is not done again, and it comes to the same."""
    output, log = tmp_path / "found.json", tmp_path / "log"
    process = spawn(command(recording, output, "--jobs", "2"), log, cwd=tmp_path)
    work = tmp_path / "found.json.work"
    await_parts(work, process)
    process.send_signal(signal.SIGSTOP)  # while its children are looked for, it must not get done
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(list(work.glob("*.msgpack")))
    assert children
    assert 3 <= kept < SCENES, f"it was over before it could be killed\n{tail_of(log)}"
    await_true(lambda: not any(is_running(child) for child in children))
    again = run(recording, output)  # with another number of processes
    assert figures(again) == figures(alone)
    read = again["rows_per_second"] * again["seconds"]
    assert read < again["rows"] * (1 - kept / SCENES / 2), "what was done was done again"
    assert not work.exists()


def test_against_another_rule_set_with_parquet(recording: Path, tmp_path: Path) -> None:
    """Every anomaly is a row with its features, every change a row with its link; and they add up to the JSON."""
    rules = tmp_path / "stricter.toml"
    rules.write_text(STRICTER)
    parquet = tmp_path / "found.parquet"
    found = run(
        recording, tmp_path / "found.json", "--against", "baseline", "--parquet", str(parquet), rules=str(rules)
    )
    rows = pq.read_table(parquet).to_pylist()
    assert recomputed(rows) == found["digest"]
    raised = Counter(row["triggered_rule"] for row in rows if row["status"] == AnomalyStatus.ACTIVE)
    assert raised == found["rules"]
    jump = next(row for row in rows if row["triggered_rule"] == "position_jumped" and row["status"] == "ACTIVE")
    assert dict(jump["features"])["position_jump_distance"] > 3.0
    assert jump["link"] == f"/?vehicle={jump['vehicle_id']}&scene={jump['scene_id']}&frame={jump['frame_index']}"
    changed = pq.read_table(tmp_path / "found.changes.parquet").to_pylist()
    against = found["against"]
    assert Counter(row["change"] for row in changed) == {k: n for k, n in against["changes"].items() if n}
    assert [row["link"] for row in changed] == [moment["link"] for moment in against["moments"]]
    assert against["changes"]["lost"] > 10
    assert sum(against["rules"].values()) > sum(found["rules"].values())


def test_without_the_extra(recording: Path, alone: Json, tmp_path: Path) -> None:
    """Figures need neither Dask nor Arrow; what does need them names the extra."""
    hidden = "import sys; sys.modules.update(dict.fromkeys(('dask', 'distributed', 'pyarrow')))"
    program = f"{hidden}; sys.argv[1:] = sys.argv[2:]; from fleetops.cli import main; main()"

    def run_hidden(*options: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-c", program, "fleetops", *command(recording, tmp_path / "found.json", *options)[3:]]
        return subprocess.run(line, capture_output=True, text=True, timeout=180, check=False)

    plain = run_hidden()
    assert plain.returncode == 0, plain.stderr
    assert figures(json.loads((tmp_path / "found.json").read_text())) == figures(alone)
    for option in (["--parquet", str(tmp_path / "x.parquet")], ["--scheduler", "tcp://127.0.0.1:1"]):
        refused = run_hidden(*option)
        assert refused.returncode == 2
        assert "fleetops[backtest]" in refused.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--scenes", "70"], "holds 0 to 59"),
        (["--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"], "exclude each other"),
        (["--parquet", "nowhere/at/all.parquet"], "there is no folder"),
        (["--against", "perfect"], "no rule set 'perfect'"),
    ],
)
def test_what_cannot_be_done_is_said(
    recording: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    says: str,
) -> None:
    """One line that says what is wrong, and nothing written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", command(recording, tmp_path / "found.json", *options)[2:])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code in {2, 3}
    assert says in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def recomputed(rows: list[Json]) -> str:
    """The digest, from its description in docs/backtest.md."""
    fields = ["scene_id", "vehicle_id", "frame_index", "anomaly_type", "status", "severity"]
    scenes: dict[str, list[list[Any]]] = {}
    for row in rows:
        scenes.setdefault(row["scene_id"], []).append([row[field] for field in fields])
    whole = hashlib.sha256()
    for scene, findings in sorted(scenes.items()):
        lines = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in sorted(findings))
        of_scene = hashlib.sha256(lines.encode()).hexdigest()
        whole.update((json.dumps([scene, of_scene], separators=(",", ":")) + "\n").encode())
    return f"sha256:{whole.hexdigest()}"


def await_true(holds: Any, within_s: float = 60) -> None:
    """Wait until `holds()`."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s:g} s"
        time.sleep(0.002)


def await_parts(work: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until some of the parts are done, or all."""
    await_true(lambda: len(list(work.glob("*.msgpack"))) >= 3 or process.poll() is not None)


def is_running(process: psutil.Process) -> bool:
    """Whether it lives; a zombie that nobody waits for does not."""
    try:
        running = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    return bool(running)


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and workers as separate processes on loopback: its address, and they."""
    where = folder / "scheduler.json"
    quiet = ["--no-dashboard", "--scheduler-file", str(where)]
    dask = [sys.executable, "-m", "dask"]
    scheduler = [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *quiet]
    worker = [*dask, "worker", "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1", *quiet]
    worker += ["--local-directory", str(folder)]
    processes = [spawn(scheduler, folder / "scheduler.log", cwd=folder)]
    try:
        await_true(lambda: where.is_file() and where.read_text().endswith("}"))
        processes += [spawn(worker, folder / f"worker{number}.log", cwd=folder) for number in range(workers)]
        yield str(json.loads(where.read_text())["address"]), processes[1:]
    finally:
        for process in processes:
            stop(process)
