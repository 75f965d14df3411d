"""The chain of the audit log: whatever is done to a sealed log, following it says where."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from fleetops.operator.audit_chain import BEGINNING, Checked, Link, Sealed, check_end, follow, said_by, seal_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
details: st.SearchStrategy[dict[str, JsonValue]] = st.dictionaries(
    words, st.none() | st.booleans() | numbers | words, max_size=4
)
entries = st.lists(
    st.builds(
        Sealed,
        number=st.just(0),
        id=st.integers(1, 2**40),
        at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001 - the strategy takes no zone
        who=words,
        what=words,
        subject_kind=words,
        subject_id=words,
        version=st.none() | st.integers(1, 2**40),
        address=st.none() | words,
        client=st.none() | words,
        details=details,
        hash=st.just(""),
    ),
    min_size=2,
    max_size=8,
)


def sealed(drafts: list[Sealed]) -> tuple[list[Sealed], Link]:
    """`drafts` as the relay would seal them, and the head."""
    at, chain = BEGINNING, []
    for draft in drafts:
        entry = replace(draft, number=at.number + 1)
        entry = replace(entry, hash=seal_of(at.hash, entry))
        chain.append(entry)
        at = Link(entry.number, entry.hash)
    return chain, at


@given(drafts=entries)
def test_what_was_sealed_holds(drafts: list[Sealed]) -> None:
    """From the beginning, from any place in it, and cut into batches."""
    chain, head = sealed(drafts)
    assert check_end(follow(chain, BEGINNING), head) == Checked(head)
    half = len(chain) // 2
    middle = follow(chain[:half], BEGINNING)
    assert middle.fault is None
    assert check_end(follow(chain[half:], middle.head), head) == Checked(head)


@given(drafts=entries, data=st.data())
def test_one_entry_changed_in_any_field_is_named(drafts: list[Sealed], data: st.DataObject) -> None:
    """The first that does not hold is the one that was changed; what is before it does."""
    chain, head = sealed(drafts)
    at = data.draw(st.integers(0, len(chain) - 1))
    entry = chain[at]
    changed = data.draw(
        st.sampled_from(
            [
                replace(entry, who=f"{entry.who}x"),
                replace(entry, what=f"{entry.what} "),
                replace(entry, subject_kind=f"x{entry.subject_kind}"),
                replace(entry, subject_id=f"{entry.subject_id}0"),
                replace(entry, version=(entry.version or 0) + 1),
                replace(entry, address=f"{entry.address}1"),
                replace(entry, client=f"{entry.client}1"),
                replace(entry, at=entry.at + timedelta(microseconds=1)),
                replace(entry, details={**entry.details, "added\0": True}),
                replace(entry, id=entry.id + 1),
                replace(entry, hash="f" * 64),
            ]
        )
    )
    found = check_end(follow([*chain[:at], changed, *chain[at + 1 :]], BEGINNING), head)
    assert found.fault is not None
    assert found.fault.startswith(f"entry {at + 1} (")
    assert found.head.number == at


@given(drafts=entries, data=st.data())
def test_entries_taken_out_anywhere_are_missed(drafts: list[Sealed], data: st.DataObject) -> None:
    """In the middle by their numbers, at the end by the head."""
    chain, head = sealed(drafts)
    first = data.draw(st.integers(0, len(chain) - 1))
    last = data.draw(st.integers(first, len(chain) - 1))
    found = check_end(follow([*chain[:first], *chain[last + 1 :]], BEGINNING), head)
    assert found.fault is not None
    assert found.fault.startswith(f"entr{'y' if first == last else 'ies'} {first + 1} ")
    assert "missing" in found.fault


@given(drafts=entries, data=st.data())
def test_entries_that_changed_places_are_found(drafts: list[Sealed], data: st.DataObject) -> None:
    """Even when they take each other's number."""
    chain, head = sealed(drafts)
    one, other = sorted(data.draw(st.sets(st.integers(0, len(chain) - 1), min_size=2, max_size=2)))
    moved = list(chain)
    moved[one], moved[other] = (
        replace(chain[other], number=one + 1),
        replace(chain[one], number=other + 1),
    )
    found = check_end(follow(moved, BEGINNING), head)
    assert found.fault is not None
    assert found.fault.startswith(f"entry {one + 1} (")


@given(drafts=entries)
def test_an_end_made_longer_is_found(drafts: list[Sealed]) -> None:
    """Well-made entries behind the head were never sealed by the service."""
    chain, _ = sealed(drafts)
    found = check_end(follow(chain, BEGINNING), Link(1, chain[0].hash))
    assert found.fault is not None
    assert found.fault.startswith("the entries behind 1 were never sealed")


def test_what_an_entry_says_does_not_depend_on_who_writes_it() -> None:
    """Another order of keys and another zone of the same moment are the same text."""
    nested: dict[str, JsonValue] = {"x": 1.5, "y": {"b": 1, "a": 2}}
    (entry,), _ = sealed([Sealed(0, 1, NOW, "jo", "a.b", "a", "1", None, None, None, nested, "")])
    there = timezone(timedelta(hours=9))
    same = replace(entry, at=NOW.astimezone(there), details={"y": {"a": 2, "b": 1}, "x": 1.5})
    assert said_by(same) == said_by(entry)
