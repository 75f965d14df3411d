import type { FeatureCollection } from "geojson";
import type { StyleSpecification } from "maplibre-gl";

export const GRID_SOURCE = "grid";
export const ROADS_SOURCE = "roads";

export const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };

/**
 * A map without a network: a dark ground, a metric grid, and the roads where the dataset comes with them.
 * No `glyphs`: then labels are drawn locally and nothing is asked of anyone.
 */
export const offlineStyle: StyleSpecification = {
  version: 8,
  sources: {
    [GRID_SOURCE]: { type: "geojson", data: NOTHING },
    // Roads are seen from afar and from near by: no more corners are left out than a pixel at the nearest zoom.
    [ROADS_SOURCE]: { type: "geojson", data: NOTHING, maxzoom: 20, tolerance: 0.2 },
  },
  layers: [
    { id: "ground", type: "background", paint: { "background-color": "#0b1015" } },
    {
      id: "grid-minor",
      type: "line",
      source: GRID_SOURCE,
      filter: ["!", ["get", "major"]],
      paint: { "line-color": "#141c24", "line-width": 1 },
    },
    {
      id: "grid-major",
      type: "line",
      source: GRID_SOURCE,
      filter: ["get", "major"],
      paint: { "line-color": "#1c2731", "line-width": 1 },
    },
    {
      id: "road-surface",
      type: "fill",
      source: ROADS_SOURCE,
      paint: { "fill-color": "#1a242e", "fill-antialias": false },
    },
    {
      // Lanes are told apart where there is room for it.
      id: "road-lanes",
      type: "line",
      source: ROADS_SOURCE,
      filter: ["==", ["get", "kind"], "lane"],
      minzoom: 15.5,
      paint: {
        "line-color": "#2c3a47",
        "line-width": ["interpolate", ["linear"], ["zoom"], 15.5, 0.4, 19, 1.2],
      },
    },
  ],
};
