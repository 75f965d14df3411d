"""One certificate: what streams through Kafka and what a backtest finds are the same, to the last anomaly.

Real services and brokers; the backtest's digest is what every session must come to, whatever
the rule set, the number of workers, the broker, and however often a worker is killed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.detection.harness import AnomalyService, Told, workers
from tests.integration.replay.harness import ReplayService, running, settings_for
from tests.servers.kafka import CHOICE, StartApache, clean_broker, unavailable

from fleetops.anomaly.backtest.parts import Part, Task
from fleetops.anomaly.backtest.scan import scan
from fleetops.anomaly.digest import findings_digest
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.bus.admin import ensure_topics
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import golden_dataset, scenes_of
from fleetops.dataset.reader import Dataset
from fleetops.errors import DatasetError
from fleetops.settings import KafkaSettings

pytestmark = pytest.mark.broker

WORKERS = [("apache", "calibrated"), ("tansu", "baseline")]
KILLS = [("apache", "baseline"), ("tansu", "calibrated")]
"""Brokers and rule sets. Each pair of broker, rule set and kind of story is tried; all of them, with
`FLEETOPS_TEST_FULL` set, take twice as long."""

REAL_SCENE = "scene_00000"
KILL_EVERY_S = 0.7


def stories(chosen: list[tuple[str, str]]) -> pytest.MarkDecorator:
    """On which brokers a story is told, with which rules."""
    every = [(kind, rules) for kind in ("apache", "tansu") for rules in ("baseline", "calibrated")]
    wanted = every if os.environ.get("FLEETOPS_TEST_FULL") else chosen
    tried = [(CHOICE or kind, rules) for kind, rules in wanted]
    return pytest.mark.parametrize(("kafka", "rules"), tried, indirect=["kafka"], ids=[f"{k}-{r}" for k, r in tried])


@pytest.fixture
def kafka(
    request: pytest.FixtureRequest, apache_server: StartApache, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaSettings]:
    """A broker of the kind that the story names, empty."""
    yield from clean_broker(request.param, apache_server, tmp_path_factory)


@pytest.fixture
def told(kafka: KafkaSettings) -> Iterator[Told]:
    """What is told during the test."""
    ensure_topics(kafka)
    reader = Told(kafka)
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def golden() -> Path:
    """The shipped dataset."""
    try:
        return golden_dataset()
    except DatasetError as missing:
        unavailable(str(missing))


def backtested(path: Path, rules: str, admission: Admission) -> str:
    """The digest of a backtest."""
    dataset = Dataset.open(path)
    task = Task(path, dataset.digest, (load_rule_set(rules),), admission, rows=False)
    return scan(task, Part(0, scenes_of(dataset))).tallies[0].digest


def await_digest(told: Told, session: str, expected: str, within_s: float = 90) -> None:
    """Read until the session's findings come to the digest; and then there must be nothing else."""
    deadline = time.monotonic() + within_s
    while findings_digest(told.findings[session]) != expected:
        assert time.monotonic() < deadline, f"{session}: {len(told.findings[session])} findings are not the backtest's"
        told.read()
    settled = time.monotonic() + 0.5
    while time.monotonic() < settled:
        told.read()
    assert findings_digest(told.findings[session]) == expected


@stories(WORKERS)
def test_four_two_and_one_worker(kafka: KafkaSettings, told: Told, golden: Path, tmp_path: Path, rules: str) -> None:
    """The golden scenes at once, as fast as they go, shared by four workers, by two, by one."""
    expected = backtested(golden, rules, Admission())
    scene_ids = [scene.scene_id for scene in scenes_of(Dataset.open(golden))]
    with (
        workers(kafka, tmp_path, 4, rules) as alive,
        running(settings_for(kafka, golden, tmp_path / "replay")) as replay,
    ):
        for count in (4, 2, 1):
            while len(alive) > count:
                alive.pop().stop()
            session = f"{rules}_{count}"
            replay.post("start", scene_ids=scene_ids, replay_rate_hz=0, mode="concurrent", session_id=session)
            await_digest(told, session, expected)


@pytest.mark.sample
@stories(KILLS)
def test_with_workers_killed(
    request: pytest.FixtureRequest, kafka: KafkaSettings, told: Told, l5kit_sample: Path, tmp_path: Path, rules: str
) -> None:
    """The real scene at five times its rate, everything admitted, while workers are killed with SIGKILL.

    On Apache Kafka one of two that share the partitions; on the embedded broker the only one, as in
    the demo: its groups do not survive this.
    """
    apart = request.node.callspec.params["kafka"] != "tansu"
    sharing = {"session_timeout_ms": 1_500, "heartbeat_interval_ms": 300} if apart else {"sole_consumer": True}
    impatient = kafka.model_copy(update=sharing)
    expected = backtested(l5kit_sample, rules, Admission.everything())
    session = f"{rules}_killed"
    with (
        workers(impatient, tmp_path, 2 if apart else 1, rules) as alive,
        running(settings_for(kafka, l5kit_sample, tmp_path / "replay", admit="all")) as replay,
    ):
        replay.post("start", scene_ids=[REAL_SCENE], replay_rate_hz=50, session_id=session)
        for kill in range(3):
            time.sleep(KILL_EVERY_S)
            alive[0].kill()
            alive.append(AnomalyService.start(impatient, tmp_path / f"after_{kill}", rules=rules, wait=False))
            del alive[0]
        assert_is_running(replay, session)
        await_digest(told, session, expected)


def assert_is_running(replay: ReplayService, session: str) -> None:
    """Whether the kills fell into the session and not behind its end."""
    assert replay.status(session)["current_frame"] < 247
