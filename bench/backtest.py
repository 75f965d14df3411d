"""A backtest: rows per second, beside loops over the same dataset that do less; and whether memory grows.

    python -m bench.backtest [--dataset ZARR] [--vehicles 33600 --scenes 336] [--rules calibrated] [--runs 3]
                             [--json PATH]

Every run is a fresh process that goes over the whole dataset once:

* decompress: every chunk of frames and agents through the codec, and nothing kept: the floor;
* read: blocks of checked frames and agents, as a backtest reads them;
* normalize: and telemetry made of them;
* backtest: and detection, findings, figures and digest: all of it.

Without `--dataset` one of the asked size is made with SUMO first (`fleetops scenes build`), and
kept in the user's cache: 20 million rows take about a quarter of an hour once.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import zarr
from rich.console import Console
from rich.table import Table

from fleetops.anomaly.backtest.parts import Task, parts_of
from fleetops.anomaly.backtest.scan import blocks, opened, scan, telemetry
from fleetops.anomaly.engine import warm_up
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import scenes_of

ROLES = ("decompress", "read", "normalize", "backtest")
_CHECKPOINTS = (0.1, 0.5, 1.0)
"""After these shares of the scenes the highest memory so far is noted."""

Figures = dict[str, float]


def made_dataset(vehicles: int, scenes: int) -> Path:
    """A dataset of traffic, made when it is not there yet."""
    folder = platformdirs.user_cache_path("fleetops-bench") / f"scenes-{vehicles}-{scenes}"
    if not (folder / "scenes.zarr").is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
            built = Path(fresh) / "built"
            command = [sys.executable, "-m", "fleetops.cli", "scenes", "build", "--output", str(built)]
            command += ["--vehicles", str(vehicles), "--scenes", str(scenes), "--seed", "7"]
            subprocess.run(command, check=True)
            built.rename(folder)
    return folder / "scenes.zarr"


def decompress(path: Path) -> None:
    """Every chunk of what a backtest reads, one after another."""
    group = zarr.open_group(str(path), mode="r")
    for name in ("frames", "agents"):
        array = group[name]
        rows = array.chunks[0]
        for chunk in range(array.nchunks):
            array[chunk * rows : (chunk + 1) * rows]


def work(role: str, path: Path, rules: str) -> Iterator[tuple[float, int]]:
    """Do what the role does, part by part; the share that is done, and the rows in it, the ego's included."""
    dataset, admission = opened(path), Admission()
    task = Task(path, "", (load_rule_set(rules),), admission, rows=False)
    parts = parts_of(scenes_of(dataset))
    for part in parts:
        if role == "backtest":
            rows = scan(task, part).volume.rows
        elif role == "normalize":
            rows = sum(len(each) for scene in part.scenes for each in telemetry(dataset, scene, admission))
        else:
            rows = sum(len(each.agents) + len(each.frames) for scene in part.scenes for each in blocks(dataset, scene))
        yield (part.number + 1) / len(parts), rows


def run_role(role: str, path: Path, rules: str) -> None:
    """One run in this process; prints its figures."""
    opened(path)
    if role == "backtest":
        warm_up(load_rule_set(rules))
    due = list(_CHECKPOINTS)
    peaks_mb = []
    rows = 0
    began = time.process_time(), time.perf_counter()
    if role == "decompress":
        decompress(path)
    else:
        for done, count in work(role, path, rules):
            rows += count
            while due and done >= due[0]:
                due.pop(0)
                peaks_mb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    cpu_s, wall_s = time.process_time() - began[0], time.perf_counter() - began[1]
    print(json.dumps({"rows": rows, "cpu_s": cpu_s, "wall_s": wall_s, "peaks_mb": peaks_mb}))


def measure(path: Path, rules: str, runs: int) -> tuple[int, dict[str, Figures], list[float]]:
    """All roles in turn, `runs` times: rows, medians of seconds by role, and the backtest's peaks of memory."""
    found: dict[str, list[dict[str, float]]] = {role: [] for role in ROLES}
    peaks_mb: list[float] = []
    rows = 0
    for _ in range(runs):
        for role in ROLES:
            command = [sys.executable, "-m", "bench.backtest", "--role", role, "--dataset", str(path), "--rules", rules]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            figures = json.loads(done.stdout.splitlines()[-1])
            found[role].append(figures)
            if role == "backtest":
                rows, peaks_mb = figures["rows"], figures["peaks_mb"]
    medians = {
        role: {name: statistics.median(each[name] for each in measured) for name in ("cpu_s", "wall_s")}
        for role, measured in found.items()
    }
    return rows, medians, peaks_mb


def report(rows: int, medians: dict[str, Figures], peaks_mb: list[float], rules: str, runs: int) -> Table:
    """The table for a person."""
    table = Table(title=f"{rows:,} rows, {rules}, one process, medians of {runs}")
    for name in ("loop", "CPU us per row", "x decompress", "beyond the line above", "rows per second"):
        table.add_column(name, justify="left" if name == "loop" else "right")
    before = 0.0
    for role, seconds in medians.items():
        cpu_us = seconds["cpu_s"] / rows * 1e6
        floor_us = medians["decompress"]["cpu_s"] / rows * 1e6
        beyond = cpu_us - before
        table.add_row(
            role,
            f"{cpu_us:.3f}",
            f"{cpu_us / floor_us:.1f}",
            f"{beyond:.3f} us, {1 / beyond:,.1f}M/s" if beyond > 0 else "",
            f"{rows / seconds['wall_s']:,.0f}",
        )
        before = cpu_us
    at = ", ".join(f"{peak:,.0f} MB at {share:.0%}" for peak, share in zip(peaks_mb, _CHECKPOINTS, strict=True))
    table.caption = f"the backtest's peak memory: {at} of the scenes"
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, help="an L5Kit zarr, instead of one that is made")
    parser.add_argument("--vehicles", type=int, default=33_600, help="in view at any moment, over all scenes of 60 s")
    parser.add_argument("--scenes", type=int, default=336)
    parser.add_argument("--rules", default="calibrated")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        run_role(options.role, options.dataset, options.rules)
        return
    path = options.dataset or made_dataset(options.vehicles, options.scenes)
    warm_up(load_rule_set(options.rules))  # compiled now, or loaded
    rows, medians, peaks_mb = measure(path, options.rules, options.runs)
    Console().print(report(rows, medians, peaks_mb, options.rules, options.runs))
    if options.json:
        figures = {"rows": rows, "rules": options.rules, "runs": options.runs, "loops": medians, "peaks_mb": peaks_mb}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
