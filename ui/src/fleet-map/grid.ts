import type { FeatureCollection, LineString } from "geojson";

const METRES_PER_DEGREE = 111_320;
const STEPS_M = [10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000];
/** Lines nearer to each other than this are noise, px. */
const CLOSEST_PX = 56;
const MOST_LINES = 200;

/** The distance between grid lines that suits a scale, m. */
export function gridStepM(metresPerPixel: number): number {
  return STEPS_M.find((step) => step / metresPerPixel >= CLOSEST_PX) ?? 500_000;
}

export type Grid = FeatureCollection<LineString, { major: boolean }>;

/**
 * A square grid of so many metres over a part of the map (west, south, east, north, degrees), anchored at
 * `origin` so that it stays where it is when the map moves. Every fifth line is a major one.
 */
export function gridLines(
  bounds: readonly [number, number, number, number],
  stepM: number,
  origin: readonly [number, number],
): Grid {
  const [west, south, east, north] = bounds;
  const stepLat = stepM / METRES_PER_DEGREE;
  const stepLon = stepLat / Math.cos((origin[1] * Math.PI) / 180);
  const features: Grid["features"] = [];
  const line = (index: number, coordinates: [number, number][]): void => {
    features.push({
      type: "Feature",
      properties: { major: index % 5 === 0 },
      geometry: { type: "LineString", coordinates },
    });
  };
  const columns = range((west - origin[0]) / stepLon, (east - origin[0]) / stepLon);
  for (const index of columns) {
    const lon = origin[0] + index * stepLon;
    line(index, [
      [lon, south],
      [lon, north],
    ]);
  }
  for (const index of range((south - origin[1]) / stepLat, (north - origin[1]) / stepLat)) {
    const lat = origin[1] + index * stepLat;
    line(index, [
      [west, lat],
      [east, lat],
    ]);
  }
  return { type: "FeatureCollection", features };
}

function range(from: number, to: number): number[] {
  const first = Math.ceil(from);
  const count = Math.min(MOST_LINES, Math.max(0, Math.floor(to) - first + 1));
  return Array.from({ length: count }, (_, i) => first + i);
}
