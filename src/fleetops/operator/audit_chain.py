"""The chain that seals the audit log. Pure: hashes in, findings out.

Each entry's hash is taken over the hash before it and over all that the entry says. Whoever
changes, removes, inserts or moves one entry would have to make every later hash anew, and
the head, which `audit verify` prints, and which the log of operator-service names as it grows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

GENESIS = "0" * 64
"""What comes before the first entry."""


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: the number of an entry, and its hash."""

    number: int
    hash: str

    def __str__(self) -> str:
        """As it is printed, and given back."""
        return f"{self.number}:{self.hash}"


BEGINNING = Link(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry as it is stored."""

    number: int
    id: int
    at: datetime
    who: str
    what: str
    subject_kind: str
    subject_id: str
    version: int | None
    address: str | None
    client: str | None
    details: dict[str, JsonValue]
    hash: str

    def __str__(self) -> str:
        """As a person is told of it."""
        at = self.at.astimezone(UTC).isoformat(timespec="milliseconds")
        return f"entry {self.number} ({self.what} of {self.subject_kind} {self.subject_id} by {self.who}, {at})"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of following the chain."""

    head: Link
    """The last entry that holds."""
    fault: str | None = None
    """What is wrong with the first that does not; None where all do."""


def said_by(entry: Sealed) -> str:
    """All that `entry` says but its hash, as one JSON text that does not depend on who writes it."""
    return json.dumps(
        {
            "number": entry.number,
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
        },
        sort_keys=True,
        separators=(",", ":"),
    )


def seal_of(before: str, entry: Sealed) -> str:
    """The hash of `entry` behind an entry of the hash `before`: SHA-256 of both, a line each."""
    return hashlib.sha256(f"{before}\n{said_by(entry)}".encode()).hexdigest()


def follow(entries: Iterable[Sealed], start: Link) -> Checked:
    """Check `entries`, in the order of their numbers, from behind `start` to the first that is wrong."""
    at = start
    for entry in entries:
        if entry.number != at.number + 1:
            return Checked(at, _gap(at.number + 1, entry.number - 1))
        expected = seal_of(at.hash, entry)
        if entry.hash != expected:
            return Checked(
                at,
                f"{entry} is not what was sealed in its place: it was altered, inserted, or moved from another place",
            )
        at = Link(entry.number, entry.hash)
    return Checked(at)


def check_end(checked: Checked, head: Link) -> Checked:
    """`checked`, once more against the `head` that was noted: nothing may be missing from the end, or be too much."""
    if checked.fault is not None or checked.head == head:
        return checked
    reached = checked.head
    if reached.number < head.number:
        return Checked(reached, _gap(reached.number + 1, head.number, "at the end"))
    if reached.number > head.number:
        return Checked(
            reached, f"the entries behind {head.number} were never sealed by the service; the chain ends there"
        )
    return Checked(reached, f"entry {head.number} does not have the hash that was noted of it: {head.hash}")


def _gap(first: int, last: int, where: str = "") -> str:
    which = f"entry {first} is" if first == last else f"entries {first} to {last} are"
    return f"{which} missing {where}".rstrip()
