"""Roads as the plain XML that netconvert reads. Pure: equal arguments give equal text.

Coordinates are metres, x to the east and y to the north, before the network is placed in the world.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

Point = tuple[float, float]

LANE_WIDTH_M = 3.5


@dataclass(frozen=True, slots=True)
class Node:
    """Where edges meet. `kind` is netconvert's junction type."""

    name: str
    place: Point
    kind: str = "priority"


@dataclass(frozen=True, slots=True)
class Edge:
    """A carriageway in one direction; `shape` are the points between its nodes."""

    name: str
    start: str
    end: str
    lanes: int
    speed_mps: float
    shape: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Trip:
    """A stream of vehicles from one edge to another, `weight` being its share of all traffic."""

    start: str
    end: str
    weight: float


@dataclass(frozen=True, slots=True)
class Network:
    """A road network, the streams through it, and where somebody who watches it looks."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    trips: tuple[Trip, ...]
    centre: Point

    def node_xml(self) -> str:
        """The `.nod.xml`."""
        rows = (
            f"  <node id={quoteattr(n.name)} x={_number(n.place[0])} y={_number(n.place[1])} type={quoteattr(n.kind)}/>"
            for n in self.nodes
        )
        return "\n".join(("<nodes>", *rows, "</nodes>\n"))

    def edge_xml(self) -> str:
        """The `.edg.xml`."""
        places = {node.name: node.place for node in self.nodes}
        return "\n".join(("<edges>", *(_edge(edge, places) for edge in self.edges), "</edges>\n"))


def highway(name: str, *, lanes: int, speed_mps: float, bend_rad: float, length_m: float = 2400.0) -> Network:
    """Two carriageways of a bending highway; a ramp joins the one that leads east at its middle.

    The ramp's lane runs along for 260 m, in which its traffic merges.
    """
    merge, merge_length = 0.45 * length_m, 260.0
    half = lanes * LANE_WIDTH_M / 2 + 4.0  # half the median strip

    def at(s: float, side: float) -> Point:
        """The point `s` metres along an arc through the middle, `side` metres to its left."""
        angle = bend_rad * (s / length_m - 0.5)
        if abs(bend_rad) < 1e-6:
            return (s - length_m / 2, side)
        radius = length_m / bend_rad
        return ((radius - side) * math.sin(angle), radius - (radius - side) * math.cos(angle))

    def arc(start: float, end: float, side: float) -> tuple[Point, ...]:
        count = max(2, int(abs(end - start) // 40))
        return tuple(at(start + (end - start) * i / count, side) for i in range(1, count))

    nodes = (
        Node("west", at(0, -half)),
        Node("merge", at(merge, -half)),
        Node("merged", at(merge + merge_length, -half)),
        Node("east", at(length_m, -half)),
        Node("ramp", at(merge - 420, -half - 70)),
        Node("back_east", at(length_m, half)),
        Node("back_west", at(0, half)),
    )
    edges = (
        Edge("main_before", "west", "merge", lanes, speed_mps, arc(0, merge, -half)),
        Edge("main_merge", "merge", "merged", lanes + 1, speed_mps, arc(merge, merge + merge_length, -half)),
        Edge("main_after", "merged", "east", lanes, speed_mps, arc(merge + merge_length, length_m, -half)),
        Edge("on_ramp", "ramp", "merge", 1, 0.8 * speed_mps, (at(merge - 200, -half - 22), at(merge - 60, -half - 9))),
        Edge("back", "back_east", "back_west", lanes, speed_mps, arc(length_m, 0, half)),
    )
    trips = (
        Trip("main_before", "main_after", 0.46),
        Trip("on_ramp", "main_after", 0.06),
        Trip("back", "back", 0.48),
    )
    return Network(name, nodes, edges, trips, at(merge + merge_length, 0))


def streets(
    name: str,
    *,
    columns: Sequence[float],
    rows: Sequence[float],
    lanes_along: int,
    lanes_across: int,
    speed_mps: float,
    arm_m: float,
) -> Network:
    """A grid of streets: those along x at each of `rows`, those along y at each of `columns`, signals where they cross.

    The streets end `arm_m` beyond the outermost crossings. Traffic enters at every end; streets along x, with
    `lanes_along` lanes per direction, carry most of it.
    """
    nodes: list[Node] = []
    edges: list[Edge] = []
    ends: list[tuple[str, str, str, float]] = []  # street, edge in, edge out, weight

    def chain(street: str, names: list[str], lanes: int, speed: float) -> None:
        for first, second in itertools.pairwise(names):
            edges.append(Edge(f"{first}_{second}", first, second, lanes, speed))
            edges.append(Edge(f"{second}_{first}", second, first, lanes, speed))
        for end, inner in ((names[0], names[1]), (names[-1], names[-2])):
            ends.append((street, f"{end}_{inner}", f"{inner}_{end}", float(lanes)))

    for row, y in enumerate(rows):
        names = [f"w{row}", *(f"c{column}r{row}" for column in range(len(columns))), f"e{row}"]
        xs = [columns[0] - arm_m, *columns, columns[-1] + arm_m]
        kinds = ["priority", *["traffic_light"] * len(columns), "priority"]
        nodes += [Node(n, (x, y), kind) for n, x, kind in zip(names, xs, kinds, strict=True)]
        chain(f"along{row}", names, lanes_along, speed_mps)
    for column, x in enumerate(columns):
        names = [f"s{column}", *(f"c{column}r{row}" for row in range(len(rows))), f"n{column}"]
        nodes += [Node(f"s{column}", (x, rows[0] - arm_m)), Node(f"n{column}", (x, rows[-1] + arm_m))]
        chain(f"across{column}", names, lanes_across, 0.85 * speed_mps)

    straight_share = 6.0
    trips = [
        Trip(into, out, weight * out_weight * (straight_share if street == other else 1.0 / len(ends)))
        for street, into, own_out, weight in ends
        for other, _, out, out_weight in ends
        if out != own_out
    ]
    total = sum(trip.weight for trip in trips)
    middle = (sum(columns) / len(columns), sum(rows) / len(rows))
    scaled = tuple(Trip(trip.start, trip.end, trip.weight / total) for trip in trips)
    return Network(name, tuple(nodes), tuple(edges), scaled, middle)


def _edge(edge: Edge, places: dict[str, Point]) -> str:
    shape = ""
    if edge.shape:
        points = (places[edge.start], *edge.shape, places[edge.end])
        shape = " shape=" + quoteattr(" ".join(f"{x:.2f},{y:.2f}" for x, y in points))
    return (
        f"  <edge id={quoteattr(edge.name)} from={quoteattr(edge.start)} to={quoteattr(edge.end)} "
        f"numLanes={quoteattr(str(edge.lanes))} speed={_number(edge.speed_mps)} width={_number(LANE_WIDTH_M)}{shape}/>"
    )


def _number(value: float) -> str:
    return quoteattr(f"{value:.2f}")
