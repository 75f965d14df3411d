"""The generated documents are what the contracts say, today."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from fleetops.contracts.schemas import MESSAGES, Message, differences, documents, write
from fleetops.contracts.topics import TOPICS

DOCS = Path(__file__).parents[3] / "docs"

EACH = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)


def test_the_committed_documents_are_current() -> None:
    """Who changes a contract writes its documents anew: `python -m fleetops.contracts.schemas write`."""
    assert differences(DOCS) == []


def test_the_command_writes_and_finds_any_difference(tmp_path: Path) -> None:
    """Status 0 only when every document is there, unchanged, and none is left over."""

    def run(action: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "fleetops.contracts.schemas", action, "--docs", str(tmp_path)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    assert run("check").returncode == 1
    assert run("write").returncode == 0
    assert run("check").returncode == 0
    (tmp_path / "schemas" / "anomalies.json").write_text("{}", "utf-8")
    (tmp_path / "schemas" / "gone.json").write_text("{}", "utf-8")
    failed = run("check")
    assert failed.returncode == 1
    assert "anomalies.json" in failed.stderr
    assert "gone.json" in failed.stderr
    write(tmp_path)
    assert differences(tmp_path) == []


@EACH
def test_every_example_satisfies_its_json_schema(message: Message) -> None:
    """A validator that knows nothing of our models takes our messages, and a newer producer's."""
    schema = json.loads(documents()[f"schemas/{message.name}.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(message.example.write())
    jsonschema.validate(document, schema)
    jsonschema.validate({**document, "added_in_2030": 1}, schema)
    name = next(iter(document))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({key: value for key, value in document.items() if key != name}, schema)


def test_the_page_tells_of_every_topic_and_every_field() -> None:
    """Each topic has its row; each field of each message has its row, with a type, and a meaning or a parent's."""
    page = documents()["kafka_schemas.md"]
    for topic in TOPICS:
        assert f"| `{topic.name}` | {topic.partitions} | `{topic.key}` |" in page
    rows = re.findall(r"^\| `([a-z_.]+)` \| (.+?) \| (.*?) \| .*\|$", page, re.MULTILINE)
    meanings = {path: meaning for path, _, meaning in rows}
    for message in MESSAGES:
        for path in paths(json.loads(message.example.write())):
            parent = path.rpartition(".")[0]
            assert meanings.get(path) or meanings.get(parent), path


def paths(document: object, prefix: str = "") -> list[str]:
    """Every field of a message, dotted; what is inside free maps is not a field."""
    found = []
    for name, value in document.items() if isinstance(document, dict) else ():
        found.append(prefix + name)
        if name not in {"features", "thresholds"} and not (name == "metadata" and "comment" in value):
            found += paths(value, f"{prefix}{name}.")
    return found
