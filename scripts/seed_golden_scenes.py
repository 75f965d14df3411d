"""Picks three scenes of an L5Kit zarr and writes their definitions, for FLEETOPS_REPLAY__SCENES_FILE.

usage: seed_golden_scenes.py DATASET [--output scenes.json] [--seconds 60] [--look-at 200]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from fleetops.dataset.reader import Dataset
from fleetops.errors import FleetOpsError
from fleetops.scenes.picking import pick


def main() -> int:
    """Pick, write, and say what was picked."""
    parser = argparse.ArgumentParser(description="Pick three scenes of a dataset, and write their definitions.")
    parser.add_argument("dataset", type=Path, help="an L5Kit zarr")
    parser.add_argument("--output", type=Path, default=Path("scenes.json"), help="the file to write")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long a scene may be")
    parser.add_argument("--look-at", type=int, default=200, help="so many scenes of a larger dataset, spread over it")
    arguments = parser.parse_args()
    try:
        dataset = Dataset.open(arguments.dataset)
        frames = max(1, round(arguments.seconds * 10))
        scenes = pick(dataset, frames, max(1, arguments.look_at), _progress)
    except FleetOpsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    arguments.output.write_text(json.dumps([asdict(scene) for scene in scenes], indent=2) + "\n", encoding="utf-8")
    for scene in scenes:
        print(f"{scene.scene_id}: {scene.description}")
    print(f"FLEETOPS_REPLAY__SCENES_FILE={arguments.output} fleetops demo --dataset {arguments.dataset}")
    return 0


def _progress(done: int, total: int) -> None:
    if total > 1 and sys.stderr.isatty():
        print(f"\r{done} of {total} scenes", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
