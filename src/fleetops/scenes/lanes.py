"""The road surface as GeoJSON: what the console draws under the vehicles. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
from pydantic import JsonValue

from fleetops.dataset.columns import Floats
from fleetops.dataset.geo import GeoReference

from .placement import Placement

_DEGREE_DECIMALS = 7  # a centimetre
_LANE_WIDTH_M = 3.2  # SUMO's own, where a lane does not say

Feature = dict[str, JsonValue]


def features(net_xml: str, placement: Placement, geo: GeoReference, scene_id: str) -> Iterator[Feature]:
    """A polygon for each crossing's surface, then one for each lane, of a network that netconvert made."""
    root = ElementTree.fromstring(net_xml)  # noqa: S314  made by netconvert just now
    for junction in root.iter("junction"):
        shape = _shape(junction.get("shape"))
        if junction.get("type") not in {"internal", "dead_end"} and len(shape) >= 3:
            properties: Feature = {"kind": "junction", "scene_id": scene_id}
            yield _polygon(shape, placement, geo, properties)
    for edge in root.iter("edge"):
        if edge.get("function") == "internal":
            continue
        for lane in edge.iter("lane"):
            centre = _shape(lane.get("shape"))
            if len(centre) < 2:
                continue
            width = float(lane.get("width") or _LANE_WIDTH_M)
            properties = {
                "kind": "lane",
                "scene_id": scene_id,
                "lane_id": f"{scene_id}/{lane.get('id')}",
                "width_m": width,
                "speed_limit_mps": float(lane.get("speed") or 0.0),
            }
            yield _polygon(_ribbon(centre, width), placement, geo, properties)


def _shape(text: str | None) -> Floats:
    if not text:
        return np.zeros((0, 2))
    return np.array([[float(value) for value in point.split(",")[:2]] for point in text.split()])


def _ribbon(centre: Floats, width_m: float) -> Floats:
    """The outline of a strip along a line: its left side there, its right side back."""
    steps = np.diff(centre, axis=0)
    steps = steps / np.maximum(np.hypot(*steps.T), 1e-9)[:, None]
    along = np.concatenate((steps[:1], steps[:-1] + steps[1:], steps[-1:]))
    along = along / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    # At a bend the sides are further from the corner than half the width.
    stretch = np.concatenate(([1.0], 1 / np.clip((along[1:-1] * steps[1:]).sum(axis=1), 0.5, 1.0), [1.0]))
    side = np.stack((-along[:, 1], along[:, 0]), axis=1) * (stretch * width_m / 2)[:, None]
    return np.concatenate((centre + side, (centre - side)[::-1]))


def _polygon(shape: Floats, placement: Placement, geo: GeoReference, properties: Feature) -> Feature:
    x, y = placement.points(shape[:, 0], shape[:, 1])
    area = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)
    if area < 0:  # RFC 7946 3.1.6: an outer ring is counter-clockwise
        x, y = x[::-1], y[::-1]
    lon, lat = geo.lonlat(x, y, np.zeros(len(x)))
    ring: list[JsonValue] = [
        [round(float(a), _DEGREE_DECIMALS), round(float(b), _DEGREE_DECIMALS)] for a, b in zip(lon, lat, strict=True)
    ]
    ring.append(ring[0])
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}
