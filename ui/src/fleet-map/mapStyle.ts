import type { StyleSpecification } from "maplibre-gl";

export const GRID_SOURCE = "grid";

/**
 * A map without a network: a dark ground and a metric grid. No `glyphs`: then labels are drawn locally
 * and nothing is asked of anyone.
 */
export const offlineStyle: StyleSpecification = {
  version: 8,
  sources: {
    [GRID_SOURCE]: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
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
  ],
};
