"""A dataset's profile as a person reads it, and as a program does."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.table import Table

from .dataset.profile import DatasetProfile, GeoBox


def to_json(profile: DatasetProfile) -> str:
    """All of `profile`, with the rate that follows from it."""
    document = asdict(profile)
    document["intervals"]["rate_hz"] = profile.intervals.rate_hz
    document["rows"]["rejected"] = profile.rows.rejected
    return json.dumps(document, indent=2)


def as_table(profile: DatasetProfile) -> Table:
    """All of `profile`, a line for each figure."""
    table = Table(title=profile.path, title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in _lines(profile):
        table.add_row(name, text)
    return table


def _lines(profile: DatasetProfile) -> list[tuple[str, str]]:
    intervals, tracks, rows = profile.intervals, profile.tracks, profile.rows
    rejected = {
        "not finite": rows.not_finite,
        "out of range": rows.out_of_range,
        "twice in a frame": rows.duplicate,
        "without an ego": rows.without_ego,
    }
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejected.items() if count)
    rate = (
        f"{intervals.rate_hz:.2f} Hz; from {intervals.shortest_ms:.1f} to {intervals.longest_ms:.1f} ms, "
        f"median {intervals.median_ms:.1f}, jitter {intervals.jitter_ms:.1f}"
    )
    lives = (
        f"{tracks.tracks:,}; life in frames: median {tracks.median}, 75 % {tracks.p75}, 95 % {tracks.p95}, "
        f"longest {tracks.longest}"
    )
    return [
        ("digest", profile.digest),
        ("scenes", f"{profile.scenes:,}"),
        ("frames", f"{profile.frames:,} in {profile.duration_s:,.1f} s"),
        ("rate", rate),
        ("gaps between frames", f"{intervals.gaps:,}"),
        ("tracks", lives),
        ("gaps in tracks", f"{tracks.with_gaps:,} tracks miss {tracks.missing_sightings:,} frames"),
        ("labels (agent rows)", ", ".join(f"{label} {count:,}" for label, count in profile.labels.items())),
        ("agent rows", f"{rows.agents:,}: {rows.admitted:,} sent as vehicles, {rows.held_back:,} not admitted"),
        ("rejected rows", f"{rows.rejected:,}" + (f" ({reasons})" if reasons else "")),
        ("frames without an ego", f"{rows.ego_rejected:,}"),
        ("area (WGS84)", _area(profile.area)),
    ]


def _area(area: GeoBox | None) -> str:
    if area is None:
        return "nothing to send"
    return f"{area.south:.5f} to {area.north:.5f} N, {area.west:.5f} to {area.east:.5f} E"
