"""Follows the chain of an audit log written by `fleetops audit export --format jsonl`. Needs nothing but Python.

    python verify_audit_export.py EXPORT.jsonl [NUMBER:HASH]

NUMBER:HASH is the link before the first line, where the log was pruned; it begins at nothing else.
Ends with 0 when every line is what was sealed, else with 1 and the first that is not.
"""

import hashlib
import json
import sys
from pathlib import Path

number, before = 0, "0" * 64
if len(sys.argv) > 2:
    first, before = sys.argv[2].split(":")
    number = int(first)
for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
    entry = json.loads(line)
    if entry["number"] is None:  # not sealed yet
        continue
    said = {name: value for name, value in entry.items() if name != "hash"}
    content = json.dumps(said, sort_keys=True, separators=(",", ":"))
    if entry["number"] != number + 1 or entry["hash"] != hashlib.sha256(f"{before}\n{content}".encode()).hexdigest():
        sys.exit(f"entry {number + 1} is not what was sealed, or missing")
    number, before = entry["number"], entry["hash"]
print(f"{number}:{before}")
