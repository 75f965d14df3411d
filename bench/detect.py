"""The detector alone, without Kafka: CPU per record, compiled and plain, as the fleet grows.

    python -m bench.detect [--vehicles 300,3000,30000] [--runs 5]

A rule set without the rules that fire all the time on ordinary driving, so that the figure is
the loop's and not that of making anomaly messages.
"""

from __future__ import annotations

import argparse
import statistics
import time

from rich.console import Console
from rich.table import Table

from bench.fleet import straight_drive
from fleetops.anomaly.columns import scene_items
from fleetops.anomaly.detector import advance
from fleetops.anomaly.engine import Advance, Engine, compiled_advance
from fleetops.anomaly.evidence import SceneKey
from fleetops.anomaly.rule_set import parse_rule_set

RULES = parse_rule_set(
    'name = "bench"\nversion = 1\ndescription = "quiet rules"\nrearm_frames = 10\nretire_frames = 20\n'
    "[rules.label_probability_dropped]\n[rules.yaw_jumped]\n[rules.updates_missing]\n",
    "bench",
)
BATCH = 1_000
RECORDS = 60_000
PLAIN_RECORDS = 6_000


def cpu_us(vehicles: int, records: int, step: Advance) -> float:
    """CPU microseconds per record of one scene, in batches as a consumer takes them."""
    columns = straight_drive(vehicles, max(20, records // vehicles))
    engine: Engine[SceneKey] = Engine(RULES, 100, step)
    items = scene_items(columns, engine, SceneKey("bench", "scene"), ends=True)
    began = time.process_time()
    for first in range(0, len(items), BATCH):
        engine.feed(items[first : first + BATCH])
    return (time.process_time() - began) / len(items) * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", default="300,3000,30000")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    cpu_us(300, 300, compiled_advance)  # compiled now, or loaded
    table = Table(title=f"the detector alone, CPU us per record, medians of {options.runs}")
    for name in ("vehicles", "compiled", "plain"):
        table.add_column(name, justify="right")
    for vehicles in map(int, options.vehicles.split(",")):
        compiled = statistics.median(cpu_us(vehicles, RECORDS, compiled_advance) for _ in range(options.runs))
        plain = cpu_us(vehicles, PLAIN_RECORDS, advance) if vehicles <= 300 else None
        table.add_row(f"{vehicles:,}", f"{compiled:.3f}", "" if plain is None else f"{plain:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
