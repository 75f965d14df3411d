"""`fleetops audit verify` and `fleetops audit export`."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.db.audit import AuditRow
from fleetops.errors import AuditFaultError, ConfigurationError
from fleetops.settings import Settings

from . import audit_reading
from .audit_chain import Link, Sealed
from .audit_sealing import COLUMNS, sealed_entry
from .commanding import in_database

_LINK = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")


ExportFormat = Literal["jsonl", "csv"]
"""How entries are written out."""


def verify(settings: Settings, against: str | None) -> str:
    """Follow the chain, and say how that went.

    Raises:
        AuditFaultError: an entry is not what was sealed; names the first.
        ConfigurationError: no database is configured, or `against` is no NUMBER:HASH.
        DatabaseError: it does not answer, or lacks our tables.
    """
    known = None if against is None else _link(against)

    async def work(db: AsyncSession) -> audit_reading.Verdict:
        return await audit_reading.verify(db, known)

    verdict = in_database(settings, work)
    if verdict.fault is not None:
        raise AuditFaultError(f"{verdict.fault}. The chain holds up to entry {verdict.head.number}.")
    lines = [f"{verdict.entries} entries, each as it was sealed", f"head: {verdict.head}"]
    if verdict.anchor.number:
        lines.append(f"entries up to {verdict.anchor.number} were pruned on purpose; before the rest: {verdict.anchor}")
    if verdict.unsealed:
        lines.append(f"{verdict.unsealed} more are not sealed yet; operator-service does it while it runs")
    return "\n".join(lines)


def export(
    settings: Settings, path: Path | None, form: ExportFormat, since: datetime | None, until: datetime | None
) -> int:
    """Write entries to `path`, else to the standard output; how many there were.

    They come in the order of the chain, those not sealed yet at the end.

    Raises:
        ConfigurationError: no database is configured, or the file cannot be written.
        DatabaseError: it does not answer, or lacks our tables.
    """
    if path is None:
        return _export(settings, sys.stdout, form, since, until)
    try:
        output = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}") from error
    with output:
        return _export(settings, output, form, since, until)


def _export(
    settings: Settings, output: IO[str], form: ExportFormat, since: datetime | None, until: datetime | None
) -> int:
    write = _writer(output, form)

    async def work(db: AsyncSession) -> int:
        count = 0
        async for entry in _entries(db):
            if (since is None or entry.at >= since) and (until is None or entry.at < until):
                write(entry)
                count += 1
        return count

    return in_database(settings, work)


async def _entries(db: AsyncSession) -> AsyncIterator[Sealed]:
    await db.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    async for batch in audit_reading.chain(db, 0):
        for entry in batch:
            yield entry
    for row in await db.execute(select(*COLUMNS).where(AuditRow.number.is_(None)).order_by(AuditRow.id)):
        yield sealed_entry(row)


def _writer(output: IO[str], form: ExportFormat) -> Callable[[Sealed], object]:
    if form == "jsonl":
        return lambda entry: output.write(json.dumps(_fields(entry)) + "\n")
    table = csv.writer(output, lineterminator="\n")
    table.writerow(["number", "id", "at", "who", "what", "subject_kind", "subject_id", "version", "address", "client",
                    "details", "hash"])  # fmt: skip

    def write(entry: Sealed) -> object:
        fields = _fields(entry)
        return table.writerow([_cell(value) for value in fields.values()])

    return write


def _fields(entry: Sealed) -> dict[str, JsonValue]:
    sealed = entry.number > 0
    fields: dict[str, JsonValue] = {
        "number": entry.number if sealed else None,
        "id": entry.id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "who": entry.who,
        "what": entry.what,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "version": entry.version,
        "address": entry.address,
        "client": entry.client,
        "details": entry.details,
        "hash": entry.hash if sealed else None,
    }
    return fields


def _cell(value: JsonValue) -> str | int | float | None:
    if isinstance(value, dict | list):
        return json.dumps(value)
    # A spreadsheet would run what begins like a formula, and a browser may call itself anything.
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value


def _link(text: str) -> Link:
    match = _LINK.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"--against {text!r}: expected NUMBER:HASH as `fleetops audit verify` prints it after `head:`"
        )
    return Link(int(match[1]), match[2])
