"""Measured figures as a person reads them, two datasets side by side."""

from __future__ import annotations

from rich.table import Table

from .statistics import QUANTILES, Figures


def as_table(figures: Figures, name: str, against: Figures | None, against_name: str) -> Table:
    """A line for each percentile and share; with a second dataset, its figures and the ratio to it."""
    table = Table(title="car tracks", title_justify="left")
    table.add_column("")
    table.add_column(name, justify="right")
    if against is not None:
        table.add_column(against_name, justify="right")
        table.add_column("ratio", justify="right")
    for label, mine, other in _lines(figures, against):
        cells = [label, _number(mine)]
        if other is not None:
            cells += [_number(other), f"{mine / other:.2f}" if other else ""]
        table.add_row(*cells)
    return table


def _lines(figures: Figures, against: Figures | None) -> list[tuple[str, float, float | None]]:
    lines: list[tuple[str, float, float | None]] = [
        ("tracks", figures.cars, None if against is None else against.cars),
        ("sightings", figures.rows, None if against is None else against.rows),
    ]
    for quantity, percents in QUANTILES.items():
        for percent in percents:
            other = None if against is None else against.percentiles[quantity][percent]
            lines.append((f"{quantity}: {percent} %", figures.percentiles[quantity][percent], other))
    for name, share in figures.shares.items():
        lines.append((f"share of {name}", share, None if against is None else against.shares[name]))
    return lines


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
